import { readFileSync, statSync } from 'node:fs'
import { parseNetwork } from './network.js'
import { type SettingName, SettingError, variableOf } from './setting.js'

/** A shorter secret can be guessed; a longer one is a file that was given by mistake. */
const secretLength = { least: 16, most: 512 }

/** The values that flags or, second, the environment give. An empty variable counts as unset, because systemd and compose files write empty ones. */
export class GivenSettings {
  readonly #flags: Readonly<Record<string, unknown>>
  readonly #environment: Readonly<Record<string, string | undefined>>

  constructor(flags: Readonly<Record<string, unknown>>, environment: Readonly<Record<string, string | undefined>>) {
    this.#flags = flags
    this.#environment = environment
  }

  is(name: SettingName): boolean {
    return this.#flags[name] === true
  }

  one(name: SettingName): string | undefined {
    const flag = this.#flags[name]
    return typeof flag === 'string' ? flag : this.#variable(name)
  }

  many(name: SettingName): readonly string[] {
    const flags = this.#flags[name]
    return Array.isArray(flags)
      ? flags.map(String)
      : (this.#variable(name)
          ?.split(',')
          .map((part) => part.trim()) ?? [])
  }

  /** A whole number, or `fallback` where none is set. @param orElse another valid form, for the error message */
  count<T>(name: SettingName, fallback: T, least: number, most: number, orElse = ''): number | T {
    const text = this.one(name)
    if (text === undefined) return fallback
    const value = /^\d{1,15}$/.test(text) ? Number(text) : -1
    if (value < least || value > most)
      throw new SettingError(`--${name} is "${text}"; it must be a whole number from ${least} to ${most}${orElse}.`)
    return value
  }

  choice<T extends string>(name: SettingName, choices: readonly T[], fallback: T): T {
    const text = this.one(name) ?? fallback
    const known = choices.find((choice) => choice === text)
    if (known === undefined) throw new SettingError(`--${name} is "${text}"; it must be one of ${choices.join(', ')}.`)
    return known
  }

  /** The option itself, or the content of the file `name-file` without surrounding white space. No error message shows the secret. */
  secret(name: 'join-token' | 'admin-token'): string | undefined {
    const file = this.one(`${name}-file`)
    const text = this.one(name)
    if (file !== undefined && text !== undefined) throw new SettingError(`--${name} and --${name}-file are both given; give one of them.`)
    const secret = file === undefined ? text : readSecret(name, file)
    if (secret === undefined) return undefined
    if (!/^[\x21-\x7e]+$/.test(secret) || secret.length < secretLength.least || secret.length > secretLength.most)
      throw new SettingError(
        `--${name} must be ${secretLength.least} to ${secretLength.most} printable ASCII characters without spaces; "openssl rand -hex 32" makes one.`,
      )
    return secret
  }

  #variable(name: SettingName): string | undefined {
    return this.#environment[variableOf(name)] || undefined
  }
}

function readSecret(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    throw new SettingError(`--${name}-file is "${file}", which cannot be read.`)
  }
}

/** @throws SettingError for anything that is not the URL of a PostgreSQL database; the message does not repeat it, it may hold a password */
export function checkStore(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text))
    throw new SettingError(
      '--store must be the URL of a PostgreSQL database, as postgres://user@host:5432/database; leave it out for the embedded store.',
    )
  return text
}

/**
 * A name of the relay as devices say it in their hello: the host of their address in the one form that URLs give it, with its port.
 *
 * @throws SettingError for anything but a host, or host and port
 */
export function checkName(text: string): string {
  const name = hostOf(text)
  if (name !== undefined) return name
  const meant = hostOf(text.replace(/^[a-z]+:\/\//i, '').replace(/[/?#].*$/, '')) ?? 'relay.example.com:8443'
  throw new SettingError(
    `--name is "${text}"; write the host as it stands in the address that devices dial, and its port where there is one, like ${meant}.`,
  )
}

function hostOf(text: string): string | undefined {
  // The scheme decides which port URLs leave out; here one that was written stays.
  const url = `${text.endsWith(':80') ? 'https' : 'http'}://${text}`
  if (/[\s/?#@\\]/.test(text) || !URL.canParse(url)) return undefined
  const { host, hostname } = new URL(url)
  return /^(?:[\w.-]+|\[[\d:a-f.]+\])$/.test(hostname) ? host : undefined
}

/** @throws SettingError where there is no such directory */
export function checkDirectory(name: SettingName, path: string | undefined): string | undefined {
  if (path !== undefined && !statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new SettingError(`--${name} is "${path}", which is no directory.`)
  return path
}

export function checkOrigin(text: string): string {
  const origin = URL.canParse(text) ? new URL(text).origin : 'null'
  if (origin === 'null') throw new SettingError(`--origin is "${text}"; write it like https://app.example.com.`)
  return origin
}

export function checkNetwork(text: string): string {
  if (!parseNetwork(text)) throw new SettingError(`--trusted-proxy is "${text}"; write an address or a network, like 10.0.0.0/8.`)
  return text
}
