import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Each planted source is refused, and by the rule named. A gate that was never seen to refuse may be no gate. */
const breaches = [
  ['packages/protocol/src', "export { x } from '@entente/engine'", 'no-restricted-imports', 'The protocol is what'],
  ['packages/protocol/src', "export { x } from '@noble/ciphers/chacha.js'", 'no-restricted-imports', 'The protocol is what'],
  ['packages/protocol/src', "export { readFile } from 'node:fs/promises'", 'no-restricted-imports', 'This room is pure'],
  ['packages/engine/src', "export { x } from '@entente/browser'", 'no-restricted-imports', 'The engine knows one org'],
  ['packages/engine/src', "export { get } from 'idb-keyval'", 'no-restricted-imports', 'The engine knows one org'],
  ['packages/engine/src', "export { randomBytes } from 'node:crypto'", 'no-restricted-imports', 'This room is pure'],
  ['packages/engine/src/row', "export { x } from '../../protocol/src/stamp.js'", 'no-restricted-imports', 'by package name'],
  ['packages/engine/src/testing', "export { x } from '@entente/relay-server'", 'no-restricted-imports', 'The engine knows one org'],
  ['packages/engine/src/export', "export { x } from '../testing/setup.js'", 'no-restricted-imports', 'Test support'],
  ['packages/browser/src', "export { x } from '@entente/engine/testing'", 'no-restricted-imports', 'Test support'],
  ['packages/elements/src', "import type { x } from '@entente/engine/testing'\nexport type y = x", 'no-restricted-imports', 'Test support'],
  ['packages/elements/src', "export { x } from '../testing/mount.js'", 'no-restricted-imports', 'Test support'],
  ['web/src', "export { x } from '@entente/engine/testing'", 'no-restricted-imports', 'Test support'],
  ['packages/browser/src', "export { x } from '@entente/elements'", 'no-restricted-imports', 'The browser room'],
  ['packages/browser/src', "export { Doc } from 'yjs'", 'no-restricted-imports', 'The browser room'],
  ['packages/elements/src', "export { openEngine } from '@entente/engine'", 'no-restricted-imports', 'types only'],
  ['packages/elements/src', "export { x } from '@entente/browser'", 'no-restricted-imports', 'Elements take the engine'],
  ['relay-server/src', "export { x } from '@entente/engine'", 'no-restricted-imports', 'The relay reads nothing'],
  ['relay-server/src/testing', "export { x } from '@entente/engine'", 'no-restricted-imports', 'The relay reads nothing'],
  ['relay-server/src/store', "export { x } from '../config/config.js'", 'no-restricted-imports', 'The store knows no session'],
  ['relay-server/src/store', "export { x } from '@entente/engine'", 'no-restricted-imports', 'The relay reads nothing'],
  ['relay-server/src/store/libsql', "export { x } from '../../publish/mailbox.js'", 'no-restricted-imports', 'The store knows no session'],
  ['relay-server/src/store/contract', "export { x } from '../../testing/relay.js'", 'no-restricted-imports', 'The store knows no session'],
  ['relay-server/src/store/postgres', "export { x } from '@entente/engine'", 'no-restricted-imports', 'The relay reads nothing'],
  ['relay-server/src/flow', "export { x } from '../log.js'", 'no-restricted-imports', 'flow/ holds what any folder may use'],
  ['relay-server/src/flow', "export { x } from '@entente/web'", 'no-restricted-imports', 'The relay reads nothing'],
  ['web/src', "export { x } from '@entente/relay-server'", 'no-restricted-imports', 'does not reach into the relay'],
  ['web/src', "export { x } from 'libsql'", 'no-restricted-imports', 'does not reach into the relay'],
  ['web/src/live-mirror', "export { openEngine } from '@entente/engine'", 'no-restricted-imports', 'has no engine'],
  ['web/src/live-mirror', "export { x } from '../app/relay-address.js'", 'no-restricted-imports', 'has no engine'],
  ['web/src/service-worker', "export { openEngine } from '@entente/engine'", 'no-restricted-imports', 'sees no record'],
  ['web/src/service-worker', "export { x } from '../app/relay-address.js'", 'no-restricted-imports', 'sees no record'],
  ['packages/engine/src', "console.log('saved')", 'no-console', ''],
  ['packages/engine/src', 'export default 1', 'no-default-export', ''],
  ['packages/engine/src', 'export const open = (x: any): void => x', 'no-explicit-any', ''],
  ['packages/engine/src', 'export function save(): void {\n  Promise.resolve(1)\n}', 'no-floating-promises', ''],
] as const

const allowed = [
  ['packages/protocol/src', "export { Doc } from 'yjs'"],
  ['packages/engine/src', "export { x } from '@entente/protocol'"],
  ['packages/engine/src/testing', "export { x } from './relay.js'"],
  ['packages/browser/src', "export { x } from '@entente/engine'"],
  ['packages/elements/src', "import type { Engine } from '@entente/engine'\nexport type Handed = Engine"],
  ['relay-server/src', "export { x } from '@entente/protocol'"],
  ['relay-server/src/store', "export { x } from '../flow/lru.js'"],
  ['relay-server/src/store/libsql', "export { x } from '../../log.js'"],
  ['relay-server/src/store/contract', "export { x } from '../postgres/postgres.js'"],
  ['relay-server/src/flow', "export { x } from '@entente/protocol'"],
  ['web/src', "export { x } from '@entente/browser'"],
  ['web/src/live-mirror', "export { Doc } from 'yjs'"],
  ['web/src/service-worker', "export { registerRoute } from 'workbox-routing'\nexport { x } from './contract.js'"],
] as const

interface Finding {
  code: string
  message: string
  help?: string
  filename: string
}

describe('the walls between rooms', () => {
  let folder = ''
  let findings: Finding[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'walls-'))
    await copyFile(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { strict: true, lib: ['es2023'] }, include: ['**/*.ts'] }),
    )
    await Promise.all([
      ...breaches.map(([room, source], at) => plant(`${room}/breach-${at}.ts`, source)),
      ...allowed.map(([room, source], at) => plant(`${room}/allowed-${at}.ts`, source)),
    ])
    findings = await lint(folder)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it.each(breaches.map((breach, at) => [...breach, at] as const))('refuses in %s: %s', (_room, _source, rule, lesson, at) => {
    const found = findings.filter(({ filename }) => filename.endsWith(`/breach-${at}.ts`))
    expect(found.some(({ code, message, help = '' }) => code.includes(rule) && `${message} ${help}`.includes(lesson))).toBe(true)
  })

  it.each(allowed.map((source, at) => [...source, at] as const))('allows in %s: %s', (_room, _source, at) => {
    expect(findings.filter(({ filename }) => filename.endsWith(`/allowed-${at}.ts`))).toEqual([])
  })

  async function plant(path: string, source: string): Promise<void> {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), `${source}\n`)
  }
})

function lint(folder: string): Promise<Finding[]> {
  const bin = join(root, 'node_modules/.bin')
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` }
  return new Promise((resolve, reject) => {
    // A refusal is the expected outcome, so the exit code says nothing here; unreadable output does.
    execFile(join(bin, 'oxlint'), ['--type-aware', '--format', 'json', '.'], { cwd: folder, env }, (_error, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout).diagnostics)
      } catch {
        reject(new Error(`oxlint gave no report: ${stdout} ${stderr}`))
      }
    })
  })
}
