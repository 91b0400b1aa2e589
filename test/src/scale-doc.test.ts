import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

describe('docs/scale.md', async () => {
  const text = await readFile(fileURLToPath(new URL('../../docs/scale.md', import.meta.url)), 'utf8')
  const [, source = ''] = /```js\n([\s\S]*?)```/.exec(text) ?? []

  it('shows in its table what its arithmetic gives, and nothing else', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', source])
    const results = new Map(stdout.trim().split('\n').map(parted))
    const shown = new Map([...text.matchAll(/^\| `(\w+)` \| .+ \| (.+) \|$/gm)].map(([, name = '', result = '']) => [name, result]))
    expect(results.size).toBeGreaterThan(20)
    expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(results))
  })

  it('leads to headings that are there', () => {
    const anchors = new Set([...text.matchAll(/^## (.+)$/gm)].map(([, heading = '']) => anchorOf(heading)))
    const links = [...text.matchAll(/\]\(#([\w-]+)\)/g)].map(([, anchor = '']) => anchor)
    expect(links.filter((link) => !anchors.has(link))).toEqual([])
  })
})

/** `name: result`, in two. */
function parted(line: string): readonly [name: string, result: string] {
  const at = line.indexOf(': ')
  return [line.slice(0, at), line.slice(at + 2)]
}

/** As the usual renderers make it of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(' ', '-')
}
