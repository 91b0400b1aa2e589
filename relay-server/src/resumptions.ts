import { createHmac, timingSafeEqual } from 'node:crypto'
import { parseDeviceId, parseOrgId, protocolVersions, resumptionInput, type Role, roles } from '@entente/protocol'
import type { Identity } from './identity.js'
import type { Asked, Told } from './message.js'

/** For how long a device may come back without a signature, in ms. */
const lifeMs = 60 * 60 * 1000

/** Who may come back, until when (ms since 1970), and the protocol version that was agreed on. */
interface Ticket {
  readonly identity: Identity
  readonly version: number
  readonly until: number
}

/**
 * Lets devices come back to a session without a signature, whose check is most of what a hello costs (rule ID6). Nothing is kept here: the ticket says who
 * comes, and its secret is drawn from it by a key that only relays on this store have, so that any of them takes what another gave.
 */
export class Resumptions {
  readonly #key: Uint8Array

  /** @param secret of the store */
  constructor(secret: Uint8Array) {
    this.#key = mac(secret, 'entente-resumption')
  }

  /** @param now milliseconds since 1970 */
  offer(identity: Identity, version: number, now: number): Told<'resumption'> {
    const until = now + lifeMs
    const ticket = write({ identity, version, until })
    return { type: 'resumption', ticket, secret: mac(this.#key, ticket), expires: until }
  }

  /** @throws Error where the device has not the ticket's secret, or its time is over */
  read({ ticket, proof }: Asked<'resume'>, nonce: Uint8Array, now: number): Identity {
    if (!timingSafeEqual(mac(mac(this.#key, ticket), resumptionInput(nonce)), proof)) throw new Error('another secret, or another nonce')
    // Only now is it known to be of our own making.
    const { identity, version, until } = parse(ticket)
    if (until <= now) throw new Error('over')
    if (version < protocolVersions.oldest || version > protocolVersions.newest) throw new Error('of another version')
    return identity
  }
}

function write({ identity: { org, device, role, expires }, version, until }: Ticket): string {
  return [version, role, org, device, expires, until].join('.')
}

function parse(ticket: string): Ticket {
  const [version, role, org = '', device = '', expires, until] = ticket.split('.')
  const identity = { org: parseOrgId(org), device: parseDeviceId(device), role: toRole(role), expires: Number(expires) }
  return { identity, version: Number(version), until: Number(until) }
}

function toRole(text: string | undefined): Role {
  const role = roles.find((known) => known === text)
  if (!role) throw new Error('of an unknown role')
  return role
}

function mac(key: Uint8Array, text: string | Uint8Array): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
