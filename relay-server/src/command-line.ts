import { parseArgs } from 'node:util'
import { defaultConfig, type RelayConfig } from './config.js'
import { type LogLevel, logLevels } from './log.js'

/** A setting that cannot be used; its message says which, why, and what to write instead. */
export class SettingError extends Error {
  override readonly name = 'SettingError'
}

interface Setting {
  readonly value: string
  readonly many?: true
  readonly help: string
}

const settings: Readonly<Record<string, Setting>> = {
  host: { value: 'ADDRESS', help: `address to listen on (default ${defaultConfig.host})` },
  port: { value: 'PORT', help: `port to listen on, 0 for a free one (default ${defaultConfig.port})` },
  data: { value: 'DIR', help: `directory of the store (default ${defaultConfig.data})` },
  web: { value: 'DIR', help: 'directory of the web app to serve (default: the one built beside this package)' },
  name: { value: 'HOST:PORT', many: true, help: 'name under which devices dial this relay, may be repeated (default: loopback names)' },
  origin: {
    value: 'ORIGIN',
    many: true,
    help: 'origin of pages that may open a socket, may be repeated (own host and loopback always may)',
  },
  'sockets-per-address': { value: 'COUNT', help: `sockets that one address may hold open (default ${defaultConfig.socketsPerAddress})` },
  'log-level': { value: 'LEVEL', help: `${logLevels.join(', ')} (default ${defaultConfig.logLevel})` },
}

export const usage = `Usage: entente-relay [serve] [options]

${Object.entries(settings)
  .map(([name, setting]) => `  --${`${name} ${setting.value}`.padEnd(30)} ${setting.help}`)
  .join('\n')}
  --help                           print this

Each option can also be given by environment, as ENTENTE_RELAY_PORT for --port; where it may be repeated, separated by commas.
`

/**
 * Reads flags and environment; flags win.
 *
 * @returns the config, or 'help' where help was asked for
 * @throws SettingError for an unknown flag or command, or a value that cannot be used
 */
export function readCommandLine(args: readonly string[], environment: Readonly<Record<string, string | undefined>>): RelayConfig | 'help' {
  const { values, positionals } = parse(args)
  if (values['help']) return 'help'
  const command = positionals[0] ?? 'serve'
  if (command !== 'serve' || positionals.length > 1)
    throw new SettingError(`There is no command "${positionals.join(' ')}"; the command is "serve".`)
  const one = (name: string): string | undefined => {
    const flag = values[name]
    return typeof flag === 'string' ? flag : environment[variableOf(name)]
  }
  const many = (name: string): readonly string[] => {
    const flags = values[name]
    return Array.isArray(flags) ? flags.map(String) : (environment[variableOf(name)]?.split(',').map((part) => part.trim()) ?? [])
  }
  return {
    ...defaultConfig,
    host: one('host') ?? defaultConfig.host,
    port: count('port', one('port'), defaultConfig.port, 0, 65_535),
    data: one('data') ?? defaultConfig.data,
    web: one('web') ?? defaultConfig.web,
    names: many('name'),
    origins: many('origin').map(checkOrigin),
    socketsPerAddress: count('sockets-per-address', one('sockets-per-address'), defaultConfig.socketsPerAddress, 1, 1_000_000),
    logLevel: level(one('log-level')),
  }
}

function parse(args: readonly string[]): ReturnType<typeof parseArgs> {
  const options = Object.fromEntries(
    Object.entries(settings).map(([name, setting]) => [name, { type: 'string' as const, multiple: setting.many === true }]),
  )
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { ...options, help: { type: 'boolean' } } })
  } catch (error) {
    throw new SettingError(`${error instanceof Error ? error.message : String(error)} Try --help.`)
  }
}

function variableOf(name: string): string {
  return `ENTENTE_RELAY_${name.toUpperCase().replaceAll('-', '_')}`
}

function count(name: string, text: string | undefined, fallback: number, least: number, most: number): number {
  if (text === undefined) return fallback
  const value = /^\d{1,9}$/.test(text) ? Number(text) : -1
  if (value < least || value > most) throw new SettingError(`--${name} is "${text}"; it must be a whole number from ${least} to ${most}.`)
  return value
}

function checkOrigin(text: string): string {
  const origin = URL.canParse(text) ? new URL(text).origin : 'null'
  if (origin === 'null') throw new SettingError(`--origin is "${text}"; write it like https://app.example.com.`)
  return origin
}

function level(text: string | undefined): LogLevel {
  const known = logLevels.find((name) => name === (text ?? defaultConfig.logLevel))
  if (!known) throw new SettingError(`--log-level is "${text}"; it must be one of ${logLevels.join(', ')}.`)
  return known
}
