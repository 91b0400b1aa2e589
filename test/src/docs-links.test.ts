import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readSources } from './citations.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** The rooms whose folders ARCHITECTURE.md names in backticks. */
const rooms = ['', 'packages/engine/src/', 'relay-server/src/', 'relay-server/src/store/', 'web/']

describe('the documents', async () => {
  const documents = await markdownIn(root)

  it('link to files and headings that exist', async () => {
    const broken: string[] = []
    for (const document of documents)
      for (const link of linksOf(await readFile(document, 'utf8'))) {
        const [path = '', anchor] = link.split('#')
        const target = path === '' ? document : join(dirname(document), path)
        if (!existsSync(target)) broken.push(`${relative(root, document)} → ${link}`)
        else if (anchor !== undefined && !anchorsOf(await readFile(target, 'utf8')).has(anchor))
          broken.push(`${relative(root, document)} → ${link}`)
      }
    expect(broken).toEqual([])
  })

  it('are all listed in docs/README.md, decisions with their dates', async () => {
    const index = await readFile(join(root, 'docs/README.md'), 'utf8')
    const missing = documents
      .map((document) => relative(join(root, 'docs'), document))
      .filter((path) => !path.startsWith('..') && path !== 'README.md')
      .filter((path) => {
        const date = /^decisions\/(\d{4}-\d\d-\d\d)-/.exec(path)?.[1]
        return !index.includes(date === undefined ? `[${path}](${path})` : `| ${date} | [`) || !index.includes(`(${path})`)
      })
    expect(missing).toEqual([])
  })

  it('name tests that exist, in the threat model and the pages on ends and the relay’s filter', async () => {
    const sources = await readSources()
    const tests = [...sources.keys()].map((path) => basename(path))
    const ends = (await readFile(join(root, 'docs/ends.md'), 'utf8')).split('\n').filter((line) => line.startsWith('|'))
    const titles = ends.flatMap((line) => [...(line.split('|').at(-2) ?? '').matchAll(/“([^”]+?)(?: …)?”/g)].map(([, title = '']) => title))
    expect(titles.length).toBeGreaterThan(8)
    const stories = [...sources].filter(([path]) => path.endsWith('.test.ts')).map(([, text]) => text)
    expect(titles.filter((title) => !stories.some((text) => text.includes(title)))).toEqual([])
    for (const document of ['docs/threat-model.md', 'docs/filtering-is-a-boundary.md', 'docs/ends.md']) {
      const named = [...(await readFile(join(root, document), 'utf8')).matchAll(/`(?:[\w-]+\/)*([\w.-]+\.test\.ts)`/g)].map(
        ([, name = '']) => name,
      )
      expect(named.length).toBeGreaterThan(1)
      expect(
        named.filter((name) => !tests.includes(name)),
        document,
      ).toEqual([])
    }
  })

  it('name files and folders in ARCHITECTURE.md that exist', async () => {
    const text = await readFile(join(root, 'ARCHITECTURE.md'), 'utf8')
    const paths = [...text.matchAll(/`([\w./-]+)`/g)]
      .map(([, path = '']) => path)
      .filter((path) => /[./]/.test(path) || isFolderCell(text, path))
    expect(paths.length).toBeGreaterThan(30)
    expect(paths.filter((path) => !rooms.some((room) => existsSync(join(root, room, path))))).toEqual([])
  })
})

/** All Markdown files of the repository, outside of folders that are installed or built. */
async function markdownIn(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true })
  const found = await Promise.all(
    entries.map(async (entry) => {
      if (entry.isDirectory() && !['node_modules', 'dist', 'coverage', '.git'].includes(entry.name))
        return markdownIn(join(directory, entry.name))
      return entry.name.endsWith('.md') ? [join(directory, entry.name)] : []
    }),
  )
  return found.flat()
}

/** The links of a document to files of the repository, without those in code blocks. */
function linksOf(text: string): readonly string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link).filter((link) => !/^[a-z]+:/.test(link))
}

/** The anchors that the usual renderers give a document's headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading)
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    ),
  )
}

/** Whether a name without a dot or slash stands in the first cell of a table of folders. */
function isFolderCell(text: string, name: string): boolean {
  return new RegExp(`^ +\\| [^|]*\`${name}\``, 'm').test(text)
}
