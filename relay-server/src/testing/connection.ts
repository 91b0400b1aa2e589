import {
  type ConnectionId,
  connectionId,
  createDoc,
  encodeControlEntry,
  encodeHead,
  encodePolicy,
  type FeedName,
  feedName,
  loadDoc,
  type Offer,
  parseKey,
  type Policy,
  rosterKey,
  writeSlots,
  zeroEpoch,
} from '@entente/protocol'
import { RelayClient } from './client.js'
import { createDevice, createOrg, nextRoster, type TestDevice, type TestOrg } from './org.js'

const firstSalt = 'a-salt-for-tests'

/** A connected vendor and partner, each with one device. */
export interface TestConnection {
  readonly id: ConnectionId
  /** The salt, which proves the parties to the relay together with their ids. */
  readonly salt: string
  readonly vendor: TestOrg
  readonly partner: TestOrg
  readonly vera: TestDevice
  readonly paul: TestDevice
  feed(side: 'vendor' | 'partner', topic: 'lead' | 'opportunity' | 'messages'): FeedName
  /** Another connection of the same orgs and devices. */
  again(salt: string): TestConnection
  /** A session that has attached the connection. */
  open(url: string, device: TestDevice): Promise<RelayClient>
}

export async function createConnection(): Promise<TestConnection> {
  const [vendor, partner] = await Promise.all([createOrg(), createOrg()])
  const [vera, paul] = await Promise.all([createDevice(vendor, { user: 'Vera' }), createDevice(partner, { user: 'Paul' })])
  return connectionOf({ vendor, partner, vera, paul }, firstSalt)
}

function connectionOf(parties: Pick<TestConnection, 'vendor' | 'partner' | 'vera' | 'paul'>, salt: string): TestConnection {
  const { vendor, partner, vera, paul } = parties
  const id = connectionId(vendor.id, partner.id, salt)
  return {
    id,
    salt,
    vendor,
    partner,
    vera,
    paul,
    feed: (side, topic) => feedName({ kind: 'connection', connection: id, side, topic }),
    again: (other) => connectionOf(parties, other),
    open: async (url, device) => {
      const client = await RelayClient.connect(url, device)
      client.send({ type: 'attach', connection: id, vendor: vendor.id, partner: partner.id, salt })
      return client
    },
  }
}

/** The sessions' number of a feed that `agree` and the sides' tests use: messages 1 and 2, then objects. */
export const feedNumbers = { vendorMessages: 1, partnerMessages: 2, vendorOpportunity: 3, partnerOpportunity: 4 } as const

/** Registers a policy for one side through a client of that side, which must read the feed already. */
export async function registerPolicy(
  client: RelayClient,
  feed: number,
  version: number,
  slots: readonly string[],
  seen = 0,
): Promise<string> {
  const bytes = controlEntryOf({ version, slots: { lead: [...slots], opportunity: [...slots] } })
  return (await client.publish(feed, { ...offerOf('policy', 'control'), seen, bytes })).code
}

/** A policy as a control entry. Its seal opens nowhere: the relay reads the public copy. */
export function controlEntryOf(policy: Policy): Uint8Array {
  return encodeControlEntry({ copy: encodePolicy(policy), seal: new Uint8Array(73) })
}

/** The simplest offer, to be spread and changed. */
export function offerOf(key: string, kind: Offer['kind'], bytes: Uint8Array = new Uint8Array([1])): Omit<Offer, 'id'> {
  return { key: parseKey(key), kind, whole: true, epoch: zeroEpoch, bytes, seen: 0 }
}

/** A control entry with this public copy. The relay does not open seals, so its seal is of zeros. */
export function controlBytes(copy: string): Uint8Array {
  return encodeControlEntry({ copy: new TextEncoder().encode(copy), seal: new Uint8Array(73) })
}

/** The control entry of an org's next roster, signed by its root key. @param devices default: those that it has */
export function rosterOffer(org: TestOrg, devices?: TestOrg['devices']): Omit<Offer, 'id'> {
  const token = nextRoster(org, devices)
  return offerOf(rosterKey(org.rosters.length), 'control', controlBytes(token))
}

/** A head that covers a feed up to this sequence. The relay reads nothing else of it, so nobody has signed it. */
export function headOffer(sequence: number, seen = 0, token = 'header.claims.signature'): Omit<Offer, 'id'> {
  return { ...offerOf('head', 'head', encodeHead({ sequence, token })), seen }
}

/** A doc of one slot under an agreement version. */
export function docOffer(key: string, value: Uint8Array, version = 1, slot = '0', number = 0): Omit<Offer, 'id'> {
  return { ...offerOf(key, 'doc', createDoc(new Map([[slot, value]]), 7)), epoch: { version, number } }
}

/** A doc's owner who keeps editing it: each call returns the next update. */
export function editor(first: Uint8Array, session = 8): (value: Uint8Array, slot?: string) => Uint8Array {
  const doc = loadDoc([first], session)
  return (value, slot = '0') => writeSlots(doc, new Map([[slot, value]]))
}

/** Opens both sides' sessions, both reading all four feeds of `feedNumbers`, with version 1 of the same slots registered. */
export async function agree(
  connection: TestConnection,
  url: string,
  slots: readonly string[] = ['0', '1'],
): Promise<{ vera: RelayClient; paul: RelayClient }> {
  const vera = await connection.open(url, connection.vera)
  const paul = await connection.open(url, connection.paul)
  for (const client of [vera, paul]) {
    await client.read(feedNumbers.vendorMessages, connection.feed('vendor', 'messages'))
    await client.read(feedNumbers.partnerMessages, connection.feed('partner', 'messages'))
    await client.read(feedNumbers.vendorOpportunity, connection.feed('vendor', 'opportunity'))
    await client.read(feedNumbers.partnerOpportunity, connection.feed('partner', 'opportunity'))
  }
  for (const [client, feed] of [
    [vera, feedNumbers.vendorMessages],
    [paul, feedNumbers.partnerMessages],
  ] as const) {
    const code = await registerPolicy(client, feed, 1, slots)
    if (code !== 'ACCEPTED') throw new Error(`A policy was refused: ${code}`)
  }
  return { vera, paul }
}
