import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const rooms = ['packages/protocol', 'packages/engine', 'packages/browser', 'packages/elements', 'relay-server', 'web', 'test']
/** These speak of citations, in examples that cite nothing. */
const ownFiles = ['citations.ts', 'rules.test.ts', 'bad-input.test.ts']

/** The TypeScript of all rooms by its path. */
export async function readSources(): Promise<ReadonlyMap<string, string>> {
  const lists = await Promise.all(rooms.map((room) => filesIn(`${room}/src`, '.ts')))
  return readAll(lists.flat().filter((path) => !ownFiles.some((own) => path === `test/src/${own}`)))
}

/** The documents by their path. */
export async function readDocuments(): Promise<ReadonlyMap<string, string>> {
  return readAll(['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', ...(await filesIn('docs', '.md'))])
}

/** Each id that is cited, with the files that cite it. */
export function citations(
  files: ReadonlyMap<string, string>,
  isMeant: (path: string) => boolean,
  idsOf: (source: string) => readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const [path, source] of files) {
    if (isMeant(path)) for (const id of new Set(idsOf(source))) found.set(id, [...(found.get(id) ?? []), path])
  }
  return found
}

async function filesIn(directory: string, end: string): Promise<readonly string[]> {
  const entries = await readdir(`${root}${directory}`, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(end))
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(root.length))
}

async function readAll(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(`${root}${path}`, 'utf8')] as const)))
}
