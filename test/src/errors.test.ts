import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { errorCodes } from '@entente/protocol'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Sections of docs/errors.md, and where the codes of each are declared. */
const rooms: readonly (readonly [section: string, file: string, union: string])[] = [
  ['Engine', 'packages/engine/src/error.ts', 'EngineErrorCode'],
  ['Store', 'packages/engine/src/port/store.ts', 'StoreErrorCode'],
  ['Record', 'packages/engine/src/schema/error.ts', 'RecordErrorCode'],
  ['CSV', 'packages/engine/src/csv/csv-error.ts', 'CsvErrorCode'],
]

describe('docs/errors.md', async () => {
  const text = await readFile(`${root}docs/errors.md`, 'utf8')
  const sections = new Map(
    text.split(/^## /m).map((section) => [section.split('\n', 1)[0] ?? '', [...section.matchAll(/^### (\w+)/gm)].map(([, code]) => code)]),
  )

  it('has a heading for each code of the protocol, and for no other', () => {
    expect(sections.get('Protocol')).toEqual([...errorCodes])
  })

  it.each(rooms)('has a heading for each code of %s, and for no other', async (section, file, union) => {
    const codes = codesOf(await readFile(root + file, 'utf8'), union)
    expect(codes.length).toBeGreaterThan(0)
    expect(sections.get(section)).toEqual(codes)
  })

  it('says under each heading what is seen or why it comes, and what to do', () => {
    const bodies = text.split(/^### /m).slice(1)
    const incomplete = bodies.filter((body) => !body.includes('- **You see** ') || !body.includes('- **What to do** '))
    expect(incomplete.map((body) => body.split('\n', 1)[0])).toEqual([])
  })
})

/** The members of a union of texts as its source declares them. */
function codesOf(source: string, union: string): string[] {
  const declaration = new RegExp(`export type ${union} =((?:\\s*(?:/\\*\\*.*?\\*/|//[^\\n]*)?\\s*\\|?\\s*'\\w+')+)`).exec(source)?.[1] ?? ''
  return (
    declaration
      .replaceAll(/\/\*\*.*?\*\//g, '')
      .replaceAll(/\/\/.*$/gm, '')
      .match(/\w+/g)
      ?.slice() ?? []
  )
}
