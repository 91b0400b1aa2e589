// custom-elements.json describes the elements to editors and catalogues. With --write it is made anew; without, a stale one is told.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { root, run } from './set-up.mjs'

const elements = join(root, 'packages/elements')
const kept = join(elements, 'custom-elements.json')
const analyze = (outdir) =>
  run('sh', [
    '-c',
    `cd packages/elements && ../../node_modules/.bin/cem analyze --litelement --globs 'src/**/*.ts' --exclude 'src/**/*.test.ts' --outdir '${outdir}' --quiet`,
  ])

if (process.argv.includes('--write')) {
  analyze('.')
} else {
  const folder = mkdtempSync(join(tmpdir(), 'manifest-'))
  try {
    analyze(relative(elements, folder))
    const fresh = readFileSync(join(folder, 'custom-elements.json'), 'utf8')
    if (!existsSync(kept) || readFileSync(kept, 'utf8') !== fresh) {
      console.error('packages/elements/custom-elements.json is stale. Run `npm run manifest` and commit what it writes.')
      process.exitCode = 1
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
