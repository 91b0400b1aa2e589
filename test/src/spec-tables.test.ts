import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { errorCodes, limits, wireShapes } from '@entente/protocol'
import { describe, expect, it } from 'vitest'

const path = fileURLToPath(new URL('../../packages/protocol/SPEC.md', import.meta.url))

describe('the tables of SPEC.md', async () => {
  const sections = (await readFile(path, 'utf8')).split(/^## /m)

  it('[W4] give the number, the name and the fields of every message', () => {
    const rows = rowsOf(section('Wire'))
    const fieldsOfPart = new Map(rows.map(([name = '', fields = '']) => [name, fields]))
    const shapeOf = (fields: string): string =>
      toShape(fields).replaceAll(/(?<=:|list\()(entry|offer|epoch|error)\b/g, (_, part: string) =>
        part === 'error' ? `oneOf(${errorCodes.join('|')})` : shapeOf(fieldsOfPart.get(part) ?? ''),
      )
    const messages = rows.filter(([number = '']) => /^\d+$/.test(number))
    expect(messages.map(([number, name, fields = '']) => `${number} ${name} ${shapeOf(fields)}`)).toEqual(wireShapes)
  })

  it('name the error codes in the order of the wire', () => {
    const [list = ''] = section('Errors').split(': see')
    expect(list.match(/[A-Z_]{4,}/g)).toEqual(errorCodes)
  })

  it('give every limit with its value and unit', () => {
    const [, ...rows] = rowsOf(section('Limits'))
    const listed = rows.map(([name = '', value = '', unit]) => [name.replaceAll('`', ''), Number(value.replaceAll(',', '')), unit])
    expect(listed).toEqual(Object.entries(limits).map(([name, value]) => [name, value, unitOf(name)]))
  })

  function section(title: string): string {
    return sections.find((text) => text.slice(0, text.indexOf('\n')).endsWith(title)) ?? ''
  }
})

/** The cells of each table row, headings included. */
function rowsOf(section: string): string[][] {
  return [...section.matchAll(/^\| (.*) \|$/gm)].map(([, cells = '']) => cells.split('|').map((cell) => cell.trim()))
}

/** "a uint, b list(uint, 2)" as a codec spells its shape: "{a:uint,b:list(uint,2)}". */
function toShape(fields: string): string {
  const choices = fields.replaceAll(/oneOf\(([^)]*)\)/g, (_, names: string) => `oneOf(${names.replaceAll(', ', '|')})`)
  return `{${choices.replaceAll(/(\w+) (?=\w)/g, '$1:').replaceAll(', ', ',')}}`
}

function unitOf(limit: string): string {
  return limit.endsWith('Bytes') ? 'bytes' : limit.endsWith('Ms') ? 'ms' : 'count'
}
