import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmodSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type MessageOf, parseDeviceId, parseOrgId, protocolVersions, resumptionInput, type Role, roles } from '@entente/protocol'
import type { RelayConfig } from '../config/config.js'
import { clockToleranceSeconds, type Identity } from './identity.js'
import { type Log, reasonOf } from '../log.js'

/** For how long a device may come back without a signature, in ms. */
const lifeMs = 60 * 60 * 1000
const keyBytes = 32
/** Rights to a file: its owner's, and all others'. */
const [forOwner, forOthers] = [0o600, 0o077]

/** Who may come back, to the relay of which name, until when (ms since 1970), and the protocol version that was agreed on. */
interface Ticket {
  readonly identity: Identity
  readonly name: string
  readonly version: number
  readonly until: number
}

/**
 * Lets devices come back to a session without a signature, whose check is most of what a hello costs (rule ID6). Nothing is kept here: the ticket says who
 * comes, and its secret is drawn from it by a key that only relays of this operator have, so that any of them takes what another gave.
 */
export class Resumptions {
  readonly #key: Uint8Array
  readonly #names: readonly string[]

  /** @param names those of this relay */
  constructor(key: Uint8Array, names: readonly string[]) {
    this.#key = mac(key, 'entente-resumption')
    this.#names = names
  }

  /**
   * @param name of this relay, as the device dialled it
   * @param now milliseconds since 1970
   */
  offer(identity: Identity, name: string, version: number, now: number): MessageOf<'resumption'> {
    const until = now + lifeMs
    const ticket = write({ identity, name, version, until })
    return { type: 'resumption', ticket, secret: mac(this.#key, ticket), expires: until }
  }

  /** @throws Error where the device has not the ticket's secret, or its time is over */
  read({ ticket, proof }: MessageOf<'resume'>, nonce: Uint8Array, now: number): Identity {
    const { identity, name, version, until } = parse(ticket)
    const expected = mac(mac(this.#key, ticket), resumptionInput(nonce, name))
    if (!timingSafeEqual(expected, proof)) throw new Error('another secret, or another nonce')
    // Another relay's clock, which the ticket was dated by, may be ahead of this one's.
    if (until <= now || until > now + lifeMs + clockToleranceSeconds * 1000) throw new Error('over')
    if (!this.#names.includes(name)) throw new Error('another relay')
    if (version < protocolVersions.oldest || version > protocolVersions.newest) throw new Error('of another version')
    return identity
  }
}

/**
 * The key that an operator gave or, for the embedded store, one of its own that is made beside it where there is none. It is not in the store, so that
 * whoever reads a copy of that can open no session.
 *
 * @returns undefined where several relays may be at work and none was given: then nobody comes back without a signature
 */
export function resumptionKey(
  { resumeKey, store, data }: Pick<RelayConfig, 'resumeKey' | 'store' | 'data'>,
  log: Log,
): Uint8Array | undefined {
  if (resumeKey !== undefined) return Buffer.from(resumeKey)
  if (store !== undefined) return undefined
  try {
    return ownKey(join(data, 'resume.key'))
  } catch (error) {
    // Then it is this process's own, and devices sign once more when it has restarted.
    log.warn('resume-key-not-kept', { reason: reasonOf(error) })
    return randomBytes(keyBytes)
  }
}

/** @throws Error where it can be neither read nor made */
function ownKey(file: string): Uint8Array {
  const { size, mode } = statSync(file, { throwIfNoEntry: false }) ?? { size: 0, mode: 0 }
  if (size !== keyBytes) return drawKey(file)
  if ((mode & forOthers) !== 0) chmodSync(file, forOwner)
  return readFileSync(file)
}

function drawKey(file: string): Uint8Array {
  const key = randomBytes(keyBytes)
  const draft = `${file}.new`
  rmSync(draft, { force: true })
  writeFileSync(draft, key, { mode: forOwner, flag: 'wx' })
  renameSync(draft, file)
  return key
}

function write({ identity: { org, device, role, expires }, name, version, until }: Ticket): string {
  return [version, role, org, device, expires, until, name].join(' ')
}

/** @throws Error for what was not written by `write` */
function parse(ticket: string): Ticket {
  const [version, role, org = '', device = '', expires, until, name = ''] = ticket.split(' ')
  const identity = { org: parseOrgId(org), device: parseDeviceId(device), role: toRole(role), expires: Number(expires) }
  return { identity, name, version: Number(version), until: Number(until) }
}

function toRole(text: string | undefined): Role {
  const role = roles.find((known) => known === text)
  if (!role) throw new Error('of an unknown role')
  return role
}

function mac(key: Uint8Array, text: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
