import { describe, expect, it } from 'vitest'
import { readCommandLine, SettingError, usage } from './command-line.js'
import { defaultConfig } from './config.js'

describe('the command line', () => {
  it('has defaults for everything', () => {
    expect(readCommandLine([], {})).toEqual(defaultConfig)
    expect(readCommandLine(['serve'], {})).toEqual(defaultConfig)
  })

  it('takes flags before the environment', () => {
    const environment = { ENTENTE_RELAY_PORT: '1000', ENTENTE_RELAY_DATA: '/var/relay', ENTENTE_RELAY_NAME: 'a.example:443, b.example:443' }
    const config = readCommandLine(['--port', '0', '--origin', 'https://app.example.com/'], environment)
    expect(config).toMatchObject({
      port: 0,
      data: '/var/relay',
      names: ['a.example:443', 'b.example:443'],
      origins: ['https://app.example.com'],
    })
  })

  it.each([
    [['--port', '70000'], '--port'],
    [['--port', '80a'], '--port'],
    [['--log-level', 'loud'], '--log-level'],
    [['--origin', 'app.example.com'], '--origin'],
    [['--sockets-per-address', '0'], '--sockets-per-address'],
    [['--colour', 'red'], '--colour'],
    [['dance'], 'dance'],
  ])('refuses %j and says which', (args, named) => {
    expect(() => readCommandLine(args, {})).toThrow(SettingError)
    expect(() => readCommandLine(args, {})).toThrow(named)
  })

  it('prints every option with --help', () => {
    expect(readCommandLine(['--help'], {})).toBe('help')
    for (const option of ['--host', '--port', '--data', '--web', '--name', '--origin', '--sockets-per-address', '--log-level'])
      expect(usage).toContain(option)
  })
})
