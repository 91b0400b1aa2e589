import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCommandLine, SettingError, usage } from './command-line.js'
import { defaultConfig, type RelayConfig } from './config.js'
import { settings } from './setting.js'

const org = 'o'.repeat(43)
const token = 'correct-horse-battery-staple'

describe('the command line', () => {
  it('has defaults for everything', () => {
    expect(served([])).toEqual(defaultConfig)
    expect(served(['serve'])).toEqual(defaultConfig)
  })

  it('takes flags before the environment', () => {
    const environment = { ENTENTE_RELAY_PORT: '1000', ENTENTE_RELAY_DATA: '/var/relay', ENTENTE_RELAY_NAME: 'a.example:443, b.example:443' }
    expect(served(['--port', '0', '--origin', 'https://app.example.com/'], environment)).toMatchObject({
      port: 0,
      data: '/var/relay',
      names: ['a.example:443', 'b.example:443'],
      origins: ['https://app.example.com'],
    })
  })

  it('takes an empty variable as none', () => {
    expect(served([], { ENTENTE_RELAY_PORT: '', ENTENTE_RELAY_STORE: '', ENTENTE_RELAY_TRUSTED_PROXY: '' })).toEqual(defaultConfig)
  })

  it('reads every setting of an operator who sets them all', () => {
    const environment = {
      ENTENTE_RELAY_JOIN_TOKEN: token,
      ENTENTE_RELAY_ADMIN_TOKEN: token,
      ENTENTE_RELAY_TRUSTED_PROXY: '10.0.0.0/8,fd00::1',
    }
    const flags =
      '--store postgres://db.example/relay --admission token --quota-bytes 5000000000 --quota-docs 20000 --quota-connections 9 --tls-cert c.pem --tls-key k.pem --slow-reader-bytes 1048576 --messages-per-second 100 --gateway-token-seconds 60'
    expect(served(flags.split(' '), environment)).toMatchObject({
      store: 'postgres://db.example/relay',
      admission: 'token',
      joinToken: token,
      adminToken: token,
      quota: { bytes: 5_000_000_000, docs: 20_000, connections: 9 },
      tls: { cert: 'c.pem', key: 'k.pem' },
      trustedProxies: ['10.0.0.0/8', 'fd00::1'],
      slowReaderBytes: 1_048_576,
      messagesPerSecond: 100,
      gatewayTokenMs: 60_000,
    })
  })

  it.each([
    ['relay.example.com', 'relay.example.com'],
    ['Relay.Example.com:8443', 'relay.example.com:8443'],
    ['relay.example.com:443', 'relay.example.com:443'],
    ['relay.example.com:80', 'relay.example.com:80'],
    ['127.0.0.1:8787', '127.0.0.1:8787'],
    ['[FD00::1]:8787', '[fd00::1]:8787'],
    ['müller.example', 'xn--mller-kva.example'],
  ])('takes the name %s as devices will say it', (written, name) => {
    expect(served(['--name', written]).names).toEqual([name])
  })

  it.each([
    [['--name', 'https://relay.example.com'], 'relay.example.com'],
    [['--name', 'wss://relay.example.com/socket'], 'relay.example.com'],
    [['--name', 'relay.example.com/'], 'relay.example.com'],
    [['--name', 'user@relay.example.com'], '--name'],
    [['--name', 'relay.example.com:port'], '--name'],
    [['--name', '*.example.com'], '--name'],
    [['--name', 'fd00::1'], '--name'],
    [['--name', ''], '--name'],
    [['--web', '/nowhere'], '--web'],
    [['--web', fileURLToPath(import.meta.url)], '--web'],
    [['--port', '70000'], '--port'],
    [['--port', '80a'], '--port'],
    [['--log-level', 'loud'], '--log-level'],
    [['--origin', 'app.example.com'], '--origin'],
    [['--sockets-per-address', '0'], '--sockets-per-address'],
    [['--slow-reader-bytes', '1000'], '--slow-reader-bytes'],
    [['--trusted-proxy', '10.0.0.0/33'], '--trusted-proxy'],
    [['--trusted-proxy', 'proxy.example'], '--trusted-proxy'],
    [['--tls-cert', 'c.pem'], '--tls-key'],
    [['--admission', 'all'], '--admission'],
    [['--admission', 'token'], '--join-token'],
    [['--join-token', token], '--admission'],
    [['--join-token-file', '/nowhere/token', '--admission', 'token'], '/nowhere/token'],
    [['--colour', 'red'], '--colour'],
    [['dance'], 'dance'],
    [['serve', 'twice'], 'entente-relay serve'],
    [['backup'], 'backup FILE'],
    [['backup', 'a', 'b'], 'backup FILE'],
    [['backup', 'a', '--port', '1'], '--port'],
    [['serve', '--json'], '--json'],
    [['orgs'], 'orgs'],
    [['orgs', 'dance'], 'orgs dance'],
    [['orgs', 'allow'], 'orgs allow ORG'],
    [['orgs', 'allow', 'short'], 'org id'],
    [['orgs', 'quota', org], '--bytes'],
    [['orgs', 'quota', org, '--docs', '-1'], 'docs'],
    [['orgs', 'quota', org, '--docs', 'none'], 'default'],
  ])('refuses %j and says which', (args, named) => {
    expect(() => readCommandLine(args, {})).toThrow(SettingError)
    expect(() => readCommandLine(args, {})).toThrow(named)
  })

  it('reads the commands that look after a store', () => {
    const location = { data: '/var/relay', store: undefined }
    const read = (line: string) => readCommandLine(`${line} --data /var/relay`.split(' '), { ENTENTE_RELAY_PORT: '1' })
    expect(read('check')).toEqual({ command: 'check', location })
    expect(read('backup copy.db')).toEqual({ command: 'backup', location, file: 'copy.db' })
    expect(read('restore copy.db')).toEqual({ command: 'restore', location, file: 'copy.db' })
    expect(read('stats')).toEqual({ command: 'stats', location, json: false })
    expect(read('orgs list --json')).toEqual({ command: 'orgs', location, action: 'list', json: true })
    expect(read(`orgs allow ${org}`)).toEqual({ command: 'orgs', location, action: 'allow', org })
    expect(read(`orgs revoke ${org}`)).toEqual({ command: 'orgs', location, action: 'revoke', org })
    expect(read(`orgs quota ${org} --bytes 0 --docs 7`)).toEqual({
      command: 'orgs',
      location,
      action: 'quota',
      org,
      quota: { bytes: 0, docs: 7 },
    })
    expect(read(`orgs quota ${org} --docs default`)).toMatchObject({ action: 'quota', quota: { docs: null } })
    expect(read(`orgs reset ${org}`)).toEqual({ command: 'orgs', location, action: 'reset', org })
  })

  it('prints every option with --help', () => {
    expect(readCommandLine(['--help'], {})).toEqual({ command: 'help' })
    expect(readCommandLine(['backup', '--help'], {})).toEqual({ command: 'help' })
    for (const option of Object.keys(settings)) expect(usage).toContain(`--${option}`)
  })

  it('tells its version with --version', () => {
    expect(readCommandLine(['--version'], {})).toEqual({ command: 'version' })
    expect(usage).toContain('--version')
  })

  it('is written down whole in docs/operate.md: every option with its value, every command', () => {
    const guide = readFileSync(new URL('../../../docs/operate.md', import.meta.url), 'utf8')
    const options = usage.match(/(?<=^ {2})--[a-z-]+(?: [A-Z:]+)?(?= )/gm) ?? []
    const commands = usage.match(/^ {2}[a-z]+(?: [a-z]+)?(?: [A-Z]+)?(?= )/gm) ?? []
    expect(options).toHaveLength(Object.keys(settings).length + 2)
    expect(commands).toHaveLength(10)
    const missing = [...options, ...commands.map((command) => command.trim())].filter((words) => !new RegExp(`\`${words}[ \`]`).test(guide))
    expect(missing).toEqual([])
  })
})

describe('a secret', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'entente-setting-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  it('is read from a file, without the line’s end', () => {
    const file = join(directory, 'admin')
    writeFileSync(file, `${token}\n`)
    expect(served(['--admin-token-file', file]).adminToken).toBe(token)
    expect(served([], { ENTENTE_RELAY_ADMIN_TOKEN_FILE: file }).adminToken).toBe(token)
    expect(() => served(['--admin-token-file', file], { ENTENTE_RELAY_ADMIN_TOKEN: token })).toThrow('--admin-token-file')
  })

  it.each([['hunter2'], ['correct horse battery staple'], ['c'.repeat(600)], ['passwörter-sind-geheim']])(
    'is refused without being shown: %s',
    (secret) => {
      for (const flags of [['--admission', 'token', '--join-token'], ['--admin-token']]) {
        const message = messageOf(() => served([...flags, secret]))
        expect(message).toContain(flags.at(-1))
        expect(message).not.toContain(secret)
      }
    },
  )

  it('in the URL of a store is not shown either', () => {
    for (const store of ['mysql://relay:hunter2hunter2@db.example/x', 'postgres://relay:hunter2hunter2@ /x']) {
      const message = messageOf(() => served(['--store', store]))
      expect(message).toContain('--store')
      expect(message).not.toContain('hunter2')
    }
  })
})

function served(args: readonly string[], environment: Readonly<Record<string, string>> = {}): RelayConfig {
  const asked = readCommandLine(args, environment)
  if (asked.command !== 'serve') throw new Error(`This is the command ${asked.command}.`)
  return asked.config
}

function messageOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof SettingError) return error.message
  }
  throw new Error('This should have been refused.')
}
