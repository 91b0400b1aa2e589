import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { limits } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { readSources } from './citations.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const units: Readonly<Record<string, number>> = { KiB: 1024, hours: 60 * 60 * 1000 }

describe('docs/partner-connect.md', async () => {
  const text = await readFile(join(root, 'docs/partner-connect.md'), 'utf8')
  const sources = await readSources()
  const sections = text.split(/^## /m)

  it('names tests that exist, by file and title', () => {
    const titles = new Map<string, Set<string>>()
    for (const [path, source] of sources) {
      if (!path.endsWith('.test.ts')) continue
      const known = titles.get(basename(path)) ?? new Set()
      for (const [, , title = ''] of source.matchAll(/(?:\b(?:it|test)\b[^'"`\n]*|\))\(\s*(['"`])(.*?)\1,/g)) known.add(plain(title))
      titles.set(basename(path), known)
    }
    // A title may hold a quotation itself, so it ends where the cell, the list or the sentence goes on.
    const named = [...text.matchAll(/`([\w.-]+\.test\.ts)` “(.+?)”(?=;| \||\)|,)/g)].map(([, file = '', title = '']) => ({ file, title }))
    expect(named.length).toBeGreaterThan(50)
    expect(named.filter(({ file, title }) => titles.get(file)?.has(plain(title)) !== true)).toEqual([])
    // Each file is named together with a title.
    expect(text.match(/`[\w.-]+\.test\.ts`/g)?.length).toBe(named.length)
  })

  it('has each published status once, and no other', () => {
    const api = [...sources].filter(([path]) => path.startsWith('packages/engine/src/api/')).map(([, source]) => source)
    const published = ['OutboundStatus', 'InboundStatus'].flatMap((name) => {
      const [, union = ''] = api.map((source) => new RegExp(`export type ${name} =((?:\\s*\\| '\\w+')+)`).exec(source)).find(Boolean) ?? []
      return union.match(/\w+/g) ?? []
    })
    expect(published).toHaveLength(25)
    expect(
      rowsOf('Statuses')
        .map(([status = '']) => status.replaceAll('`', ''))
        .toSorted(),
    ).toEqual([...new Set(published)].toSorted())
  })

  it('gives each limit as the code has it', () => {
    const rows = rowsOf('Limits').filter((cells) => cells.length === 4)
    const constants = rows.filter(([, , , name = '']) => !name.includes('ObjectName'))
    expect(constants.length).toBeGreaterThan(8)
    const inCode = constants.map(([, , , name = '']) => [name, valueOf(name.replaceAll('`', ''))])
    expect(constants.map(([, , value = '', name]) => [name, numberOf(value)])).toEqual(inCode)
  })

  it('names methods and elements that exist', async () => {
    const calls = [...text.matchAll(/`engine\.(\w+)(?:\.(\w+))?`/g)].map(([, group = '', method]) => ({ group, method }))
    expect(calls.length).toBeGreaterThan(20)
    expect(calls.filter(({ group, method }) => !isInApi(group, method))).toEqual([])
    const tags = await readdir(join(root, 'packages/elements/src/define'))
    const named = [...text.matchAll(/`<entente-([\w-]+)>`/g)].map(([, tag = '']) => `${tag}.ts`)
    expect(named.filter((file) => !tags.includes(file))).toEqual([])
  })

  it('names properties that the views of the API have', () => {
    const named = [...text.matchAll(/`([A-Z]\w+)\.(\w+)(?:\[…\]\.(\w+))?`/g)].map(
      ([, type = '', first = '', inner]) => [type, inner ?? first] as const,
    )
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter(([type, property]) => !hasProperty(type, property))).toEqual([])
  })

  function rowsOf(title: string): readonly string[][] {
    const section = sections.find((each) => each.startsWith(`${title}\n`)) ?? ''
    const rows = [...section.matchAll(/^\| (.*) \|$/gm)].map(([, cells = '']) => cells.split(' | '))
    return rows.filter(([first = ''], at) => at > 0 && !/^(What|In Partner Connect|Status)$/.test(first))
  }

  function valueOf(name: string): number | undefined {
    const [group, key = ''] = name.split('.')
    if (group === 'limits') return Object.entries(limits).find(([each]) => each === key)?.[1]
    const found = [...sources.values()]
      .map((source) => new RegExp(`^(?:export )?const ${name} = ([\\d_]+)$`, 'm').exec(source)?.[1])
      .find(Boolean)
    return found === undefined ? undefined : Number(found.replaceAll('_', ''))
  }

  function isInApi(group: string, method: string | undefined): boolean {
    const engine = sources.get('packages/engine/src/api/engine.ts') ?? ''
    if (method === undefined) return engine.includes(`  ${group}(`)
    const type = new RegExp(`readonly ${group}: (\\w+)`).exec(engine)?.[1]
    return type !== undefined && bodyOf(type).includes(`\n  ${method}(`)
  }

  function hasProperty(type: string, property: string): boolean {
    const choices = type === 'FieldMapping' ? bodyOf('ConversionChoices') : ''
    return new RegExp(`readonly ${property}\\??:`).test(bodyOf(type) + choices)
  }

  /** What stands in an interface of the engine. */
  function bodyOf(type: string): string {
    return (
      [...sources.values()]
        .map((source) => new RegExp(`export interface ${type}\\b[^{]*\\{[\\s\\S]*?\\n\\}`).exec(source)?.[0])
        .find(Boolean) ?? ''
    )
  }
})

/** A title without the rules and rows that it cites. */
function plain(title: string): string {
  return title
    .replaceAll("\\'", "'")
    .replace(/^\[[^\]]*\] /, '')
    .replace(/ \((?:rows?|rule) [^)]*\)$/, '')
    .trim()
}

/** "64 KiB" and "5 seats unless …" as the numbers that the code has. */
function numberOf(value: string): number {
  const [, digits = '', unit = ''] = /^([\d,]+)(?: (\w+))?/.exec(value) ?? []
  return Number(digits.replaceAll(',', '')) * (units[unit] ?? 1)
}
