import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Makes a folder for the modules of examples, where their imports are found. @param options of the compiler, beside those of tests */
export async function makeExampleFolder(name: string, options: Readonly<Record<string, boolean>> = {}): Promise<string> {
  const dist = join(root, 'test/dist')
  await mkdir(dist, { recursive: true })
  const folder = await mkdtemp(join(dist, `${name}-`))
  const tsconfig = { extends: '../../tsconfig.tests.json', include: ['*.ts'], compilerOptions: { rootDir: root, ...options } }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig))
  return folder
}

/** Type-checks the modules of a folder. @returns what the compiler says; empty where all is well */
export async function compileExamples(folder: string): Promise<string> {
  const tsc = join(root, 'node_modules/.bin/tsc')
  const { stdout } = await promisify(execFile)(tsc, ['-p', folder]).catch((error: { readonly stdout: string }) => error)
  return stdout
}

/** An example as a module: its imports, and its statements as the body of `run`. */
export function exampleModule(
  example: string,
  {
    parameter,
    imports = [],
    end = [],
  }: { readonly parameter: string; readonly imports?: readonly string[]; readonly end?: readonly string[] },
): string {
  const lines = example.trimEnd().split('\n')
  const isImport = (line: string): boolean => line.startsWith('import ')
  return [
    ...lines.filter(isImport),
    ...imports,
    `export async function run(${parameter}) {`,
    ...lines.filter((line) => !isImport(line)),
    ...end,
    '}',
    '',
  ].join('\n')
}
