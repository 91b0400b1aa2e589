import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const rooms = ['packages/protocol', 'packages/engine', 'packages/browser', 'packages/elements', 'relay-server', 'web']

/** The sources of a room by their paths in its `src`. */
type Sources = ReadonlyMap<string, string>

/** For each folder the folders that it imports from, and by which files. A folder inside another, and a file at the root, is one of its own. */
type Arrows = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>

// What a room's folders are for is read from the bottom up, so no two of them may need each other. A file's own cycles are the linter's to find.
describe('the folders of each room import each other in one direction', () => {
  it.each(rooms)('in %s', async (room) => {
    const sources = await readSources(join(root, room, 'src'))
    expect(sources.size).toBeGreaterThan(0)
    expect(cyclesIn(sources)).toEqual([])
  })

  it('and a cycle is told with the files that tie it', () => {
    const planted = new Map([
      ['main.ts', "import { serve } from './http/serve.js'"],
      ['http/serve.ts', "import { Session } from '../session/session.js'\nimport { log } from '../log.js'"],
      ['session/session.ts', "import type { Store } from '../store/store.js'\nconst load = () => import('../admin/status.js')"],
      ['store/store.ts', ''],
      ['store/libsql/file.ts', "export * from '../store.js'\nimport '../../log.js'"],
      ['admin/status.ts', "import {\n  type Line,\n} from '../http/serve.js'\n// import '../session/session.js'"],
      ['log.ts', ''],
    ])
    expect(cyclesIn(planted)).toEqual([
      [
        'admin -> http -> session -> admin',
        '  admin/status.ts imports http/serve.ts',
        '  http/serve.ts imports session/session.ts',
        '  session/session.ts imports admin/status.ts',
      ].join('\n'),
    ])
  })

  it('also where a folder needs what lies in one inside it', () => {
    const planted = new Map([
      ['store/open.ts', "import { openFile } from './libsql/file.js'"],
      ['store/store.ts', ''],
      ['store/libsql/file.ts', "import type { Store } from '../store.js'"],
    ])
    expect(cyclesIn(planted)).toEqual([
      [
        'store -> store/libsql -> store',
        '  store/open.ts imports store/libsql/file.ts',
        '  store/libsql/file.ts imports store/store.ts',
      ].join('\n'),
    ])
  })
})

/** Tests are left out: what they set up lies above what they test. */
async function readSources(src: string): Promise<Sources> {
  const files = (await readdir(src, { recursive: true })).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  return new Map(await Promise.all(files.map(async (file) => [file, await readFile(join(src, file), 'utf8')] as const)))
}

/** One shortest cycle through the first folder of each knot, in words; a folder is named in one cycle at most. */
function cyclesIn(sources: Sources): readonly string[] {
  const arrows = arrowsIn(sources)
  const cycles: string[] = []
  const named = new Set<string>()
  for (const folder of [...arrows.keys()].sort()) {
    const way = named.has(folder) ? undefined : shortestWayBack(folder, arrows)
    if (!way) continue
    for (const each of way) named.add(each)
    const ties = way.slice(1).flatMap((to, index) => arrows.get(way[index] ?? '')?.get(to) ?? [])
    cycles.push([way.join(' -> '), ...ties.map((tie) => `  ${tie}`)].join('\n'))
  }
  return cycles
}

function arrowsIn(sources: Sources): Arrows {
  const arrows = new Map<string, Map<string, string[]>>()
  for (const [file, source] of sources) {
    const from = folderOf(file)
    for (const [, path = ''] of withoutComments(source).matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g)) {
      const imported = normalize(join(dirname(file), path)).replace(/\.js$/, '.ts')
      const to = folderOf(imported)
      if (to === from) continue
      const byTarget = arrows.get(from) ?? new Map<string, string[]>()
      arrows.set(from, byTarget.set(to, [...(byTarget.get(to) ?? []), `${file} imports ${imported}`]))
    }
  }
  return arrows
}

function folderOf(file: string): string {
  const folder = dirname(file)
  return folder === '.' ? file : folder
}

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
}

/** From a folder along the arrows to itself again, or undefined where no way leads back. */
function shortestWayBack(folder: string, arrows: Arrows): readonly string[] | undefined {
  const seen = new Set<string>()
  const ways: (readonly string[])[] = [[folder]]
  for (const way of ways) {
    for (const next of arrows.get(way.at(-1) ?? '')?.keys() ?? []) {
      if (next === folder) return [...way, next]
      if (seen.has(next)) continue
      seen.add(next)
      ways.push([...way, next])
    }
  }
  return undefined
}
