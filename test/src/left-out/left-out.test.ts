import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { allLeftOut, leftOut, leftOutNamed } from './rules.js'
import { without } from './leave-out.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8')

/** The rules about devices, people and recovery. */
const isMeant = (rule: string): boolean => /^(RO|DR|TM|JN|RT|RK|BK|HP)\d+$/.test(rule) || ['ID2', 'ID8', 'SD2', 'CN13'].includes(rule)

describe('the table of what can be left out', () => {
  const rules = [...read('packages/protocol/SPEC.md').matchAll(/\*\*([A-Z]{1,2}\d+)\*\*/g)].map(([, rule = '']) => rule)

  it('has each rule about devices, people and recovery, and no other', () => {
    expect(Object.keys(leftOut).toSorted()).toEqual(rules.filter(isMeant).toSorted())
    expect(Object.values(leftOut).filter(({ length }) => length === 0)).toEqual([])
  })

  it('names texts that stand once in their files, and something else in their place', () => {
    for (const entry of allLeftOut()) expect(without(read(entry.file), entry), entry.name).not.toBe(read(entry.file))
  })

  it('names for each a test that is there once, and cites the rule', () => {
    for (const { name, rule, test } of allLeftOut()) {
      const [file, title] = test
      const lines = read(file).split('\n')
      const named = lines.filter((line) => line.includes(title))
      expect(named, `${name}: ${title}`).toHaveLength(1)
      const cites = new RegExp(String.raw`\[[^\]]*\b${rule}\b[^\]]*\]`)
      expect([...named, ...lines.filter((line) => line.startsWith('describe('))].join('\n'), `${name}: ${title}`).toMatch(cites)
    }
  })

  it('leaves out what it names: the test of one entry fails then', async () => {
    const {
      name,
      test: [file, title],
    } = leftOutNamed('RO1/2')
    const { VITEST: _, VITEST_MODE: __, ...env } = process.env
    const ended = await new Promise<{ readonly failed: boolean; readonly said: string }>((resolve) => {
      const args = [`${root}node_modules/vitest/vitest.mjs`, 'run', file, '--reporter=verbose']
      execFile(process.execPath, args, { cwd: root, env: { ...env, LEFT_OUT: name, NO_COLOR: '1' } }, (error, said) =>
        resolve({ failed: error !== null, said }),
      )
    })
    expect(ended.failed).toBe(true)
    expect(ended.said).toMatch(new RegExp(`× .*${title.replaceAll(/[[\]]/g, String.raw`\$&`)}`))
  })
})
