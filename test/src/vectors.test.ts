import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readSources } from './citations.js'

const folder = fileURLToPath(new URL('../../packages/protocol/vectors/', import.meta.url))

describe('each file of vectors', async () => {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json'))
  const readme = await readFile(`${folder}README.md`, 'utf8')
  const tests = [...(await readSources())].filter(([path]) => path.endsWith('.test.ts')).map(([, source]) => source)

  it.each(files)('is explained and checked: %s', async (file) => {
    expect(readme).toContain(`| \`${file}\` |`)
    expect(tests.some((source) => source.includes(`vectors/${file}'`))).toBe(true)
    const { about } = JSON.parse(await readFile(folder + file, 'utf8')) as { readonly about?: unknown }
    expect(about).toMatch(/SPEC\.md section/)
  })
})
