import { parseArgs } from 'node:util'
import { type OrgId, parseOrgId, ProtocolError } from '@entente/protocol'
import { admissions, defaultConfig, type RelayConfig } from './config.js'
import { logLevels } from '../log.js'
import { commandSettings, helpOf, locationSettings, serveSettings, SettingError, settings } from './setting.js'
import type { QuotaChange } from '../store/account.js'
import type { StoreLocation } from '../store/store.js'
import { checkDirectory, checkName, checkNetwork, checkOrigin, checkStore, GivenSettings } from './setting-value.js'

export { SettingError } from './setting.js'

/** What the command line asks the process to do. */
export type Command =
  | { readonly command: 'help' }
  | { readonly command: 'version' }
  | { readonly command: 'serve'; readonly config: RelayConfig }
  | { readonly command: 'check'; readonly location: StoreLocation }
  | { readonly command: 'backup'; readonly location: StoreLocation; readonly file: string }
  | { readonly command: 'restore'; readonly location: StoreLocation; readonly file: string }
  | { readonly command: 'stats'; readonly location: StoreLocation; readonly json: boolean }
  | { readonly command: 'orgs'; readonly location: StoreLocation; readonly action: 'list'; readonly json: boolean }
  | { readonly command: 'orgs'; readonly location: StoreLocation; readonly action: 'allow' | 'revoke' | 'reset'; readonly org: OrgId }
  | {
      readonly command: 'orgs'
      readonly location: StoreLocation
      readonly action: 'quota'
      readonly org: OrgId
      readonly quota: QuotaChange
    }

/** How each command is written, what it does, and which flags it takes beside the store's. */
const forms = [
  { words: ['serve'], takes: [], help: 'run the relay (the default)', flags: Object.keys(serveSettings) },
  { words: ['check'], takes: [], help: 'read the whole store and report whether it is sound', flags: [] },
  { words: ['backup'], takes: ['FILE'], help: 'write a copy of the store; the relay may run', flags: [] },
  { words: ['restore'], takes: ['FILE'], help: 'replace the store by a copy; no relay may run', flags: [] },
  { words: ['stats'], takes: [], help: 'print what the store holds', flags: ['json'] },
  { words: ['orgs', 'list'], takes: [], help: 'list the orgs, what they hold, and their quotas', flags: ['json'] },
  { words: ['orgs', 'allow'], takes: ['ORG'], help: 'let an org use the relay', flags: [] },
  { words: ['orgs', 'revoke'], takes: ['ORG'], help: 'bar an org from the relay', flags: [] },
  { words: ['orgs', 'reset'], takes: ['ORG'], help: 'undo allow and revoke', flags: [] },
  { words: ['orgs', 'quota'], takes: ['ORG'], help: 'set what an org may hold', flags: ['bytes', 'docs', 'connections'] },
] as const

type Form = (typeof forms)[number]

export const usage = `Usage: entente-relay [command] [options]

${forms.map(({ words, takes, flags, help }) => `  ${lineOf(words, takes, flags).padEnd(56)} ${help}\n`).join('')}
Every command takes
${helpOf(locationSettings)}
serve takes
${helpOf(serveSettings)}
stats and orgs take
${helpOf(commandSettings)}
  --help                         print this help
  --version                      print the relay’s version

Each option with a value can also be set in the environment, as ENTENTE_RELAY_PORT for --port; separate repeated values by commas.
Give secrets by environment or file: everyone on the machine can read the flags of a process, and shells keep them.
`

/**
 * Reads flags and environment; flags win.
 *
 * @throws SettingError for an unknown flag or command, a flag that the command does not take, or a value that cannot be used
 */
export function readCommandLine(args: readonly string[], environment: Readonly<Record<string, string | undefined>>): Command {
  const { values, positionals } = parse(args)
  if (values['help']) return { command: 'help' }
  if (values['version']) return { command: 'version' }
  const form = formOf(positionals)
  const flags: readonly string[] = [...Object.keys(locationSettings), ...form.flags]
  const stray = Object.keys(values).find((name) => !flags.includes(name))
  if (stray !== undefined) throw new SettingError(`"${form.words.join(' ')}" does not take --${stray}. Try --help.`)
  const given = new GivenSettings(values, environment)
  const location: StoreLocation = { data: given.one('data') ?? defaultConfig.data, store: checkStore(given.one('store')) }
  const subject = positionals[form.words.length] ?? ''
  switch (form.words[0]) {
    case 'serve':
      return { command: 'serve', config: readConfig(given, location) }
    case 'check':
      return { command: 'check', location }
    case 'backup':
    case 'restore':
      return { command: form.words[0], location, file: subject }
    case 'stats':
      return { command: 'stats', location, json: given.is('json') }
    case 'orgs':
      return readOrgs(form.words[1], subject, given, location)
  }
}

function readConfig(given: GivenSettings, location: StoreLocation): RelayConfig {
  const fallback = defaultConfig
  const admission = given.choice('admission', admissions, fallback.admission)
  const joinToken = given.secret('join-token')
  // A token that is not asked for would leave open a relay whose operator thinks it closed.
  if (admission === 'token' && joinToken === undefined) throw new SettingError('--admission token needs --join-token or --join-token-file.')
  if (admission !== 'token' && joinToken !== undefined)
    throw new SettingError(`--join-token does nothing with --admission ${admission}; write --admission token, or leave the token out.`)
  const cert = given.one('tls-cert')
  const key = given.one('tls-key')
  if ((cert === undefined) !== (key === undefined)) throw new SettingError('--tls-cert and --tls-key go together; one of them is missing.')
  return {
    ...fallback,
    ...location,
    host: given.one('host') ?? fallback.host,
    port: given.count('port', fallback.port, 0, 65_535),
    web: checkDirectory('web', given.one('web')),
    names: given.many('name').map(checkName),
    origins: given.many('origin').map(checkOrigin),
    tls: cert !== undefined && key !== undefined ? { cert, key } : undefined,
    trustedProxies: given.many('trusted-proxy').map(checkNetwork),
    socketsPerAddress: given.count('sockets-per-address', fallback.socketsPerAddress, 1, 1_000_000),
    socketsPerSecond: given.count('sockets-per-second', fallback.socketsPerSecond, 1, 1_000_000),
    silentSocketsPerAddress: given.count('silent-sockets-per-address', fallback.silentSocketsPerAddress, 1, 1_000_000),
    messagesPerSecond: given.count('messages-per-second', fallback.messagesPerSecond, 1, 10_000_000),
    slowReaderBytes: given.count('slow-reader-bytes', fallback.slowReaderBytes, leastSlowReaderBytes, 1024 ** 3),
    slowReaderMs: given.count('slow-reader-seconds', fallback.slowReaderMs / 1000, 1, 3_600) * 1000,
    gatewayTokenMs: given.count('gateway-token-seconds', fallback.gatewayTokenMs / 1000, 10, 86_400) * 1000,
    admission,
    joinToken,
    quota: {
      bytes: given.count('quota-bytes', fallback.quota.bytes, 0, mostCount),
      docs: given.count('quota-docs', fallback.quota.docs, 0, mostCount),
      connections: given.count('quota-connections', fallback.quota.connections, 0, mostCount),
    },
    adminToken: given.secret('admin-token'),
    logLevel: given.choice('log-level', logLevels, fallback.logLevel),
  }
}

/** Two frames of the largest size: with less, an honest reader of large entries would be dropped for ever. */
const leastSlowReaderBytes = 512 * 1024
const mostCount = 10 ** 15 - 1

function readOrgs(
  action: 'list' | 'allow' | 'revoke' | 'reset' | 'quota',
  subject: string,
  given: GivenSettings,
  location: StoreLocation,
): Command {
  if (action === 'list') return { command: 'orgs', location, action, json: given.is('json') }
  const org = readOrg(subject)
  if (action !== 'quota') return { command: 'orgs', location, action, org }
  const bounds = { bytes: boundOf(given, 'bytes'), docs: boundOf(given, 'docs'), connections: boundOf(given, 'connections') }
  const quota = Object.fromEntries(Object.entries(bounds).filter(([, bound]) => bound !== undefined))
  if (Object.keys(quota).length === 0) throw new SettingError('orgs quota needs --bytes, --docs or --connections.')
  return { command: 'orgs', location, action, org, quota }
}

/** Null restores the relay's own bound. */
function boundOf(given: GivenSettings, name: 'bytes' | 'docs' | 'connections'): number | null | undefined {
  if (given.one(name) === 'default') return null
  return given.count(name, undefined, 0, mostCount, ', or "default" for the relay’s own')
}

function readOrg(text: string): OrgId {
  try {
    return parseOrgId(text)
  } catch (error) {
    if (error instanceof ProtocolError)
      throw new SettingError(`"${text}" is not an org id; it has 43 characters, and "orgs list" shows it.`)
    throw error
  }
}

function formOf(positionals: readonly string[]): Form {
  const words = positionals.length === 0 ? ['serve'] : positionals
  const form = forms.find((known) => known.words.every((word, index) => words[index] === word))
  if (!form) {
    const known = [...new Set(forms.map((each) => each.words.join(' ')))].join(', ')
    throw new SettingError(`There is no command "${words.slice(0, 2).join(' ')}"; the commands are ${known}.`)
  }
  if (words.length !== form.words.length + form.takes.length)
    throw new SettingError(`Write it as: entente-relay ${[...form.words, ...form.takes].join(' ')}`)
  return form
}

function lineOf(words: readonly string[], takes: readonly string[], flags: readonly string[]): string {
  if (words[0] === 'serve') return 'serve'
  return [...words, ...takes, ...flags.map((flag) => `[--${[flag, settings[flag]?.value].filter(Boolean).join(' ')}]`)].join(' ')
}

function parse(args: readonly string[]): ReturnType<typeof parseArgs> {
  const options = Object.fromEntries(
    Object.entries(settings).map(([name, { value, many }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple: many === true },
    ]),
  )
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...options, help: { type: 'boolean' }, version: { type: 'boolean' } },
    })
  } catch (error) {
    throw new SettingError(`${error instanceof Error ? error.message : String(error)} Try --help.`)
  }
}
