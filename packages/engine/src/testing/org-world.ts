import { type ConnectionId, type Side } from '@entente/protocol'
import { openKit, type OpenedKit } from '../identity/recovery-kit.js'
import type { MemoryOrg } from './org.js'
import type { OrderlyCrypto } from './orderly-crypto.js'
import type { RelayState } from './relay-state.js'
import { setup } from './setup.js'
import type { MemoryStore } from './store.js'

/** A device as a run finds it. */
export interface WorldDevice {
  readonly side: Side
  readonly name: string
  readonly role: 'admin' | 'member'
  readonly store: MemoryStore
}

/** Two orgs of several devices, connected and at rest, on one lead: made once, since most of a run would be spent on it, and given to each run anew. */
export interface OrgWorld {
  /** Milliseconds since 1970. */
  readonly now: number
  readonly relay: RelayState
  /** Of each org the founder's first. */
  readonly devices: readonly WorldDevice[]
  readonly connection: ConnectionId
  /** The id of the one lead, by side. */
  readonly records: Readonly<Record<Side, string>>
  /** Each org's recovery kit, opened. */
  readonly kits: Readonly<Record<Side, OpenedKit>>
}

/** Makes a vendor of three devices and a partner of two, of which the vendor's last is a member's. It is the same each time. */
export async function makeWorld(crypto: OrderlyCrypto): Promise<OrgWorld> {
  crypto.seed(1)
  const { vera, paul, connection, record, copy, settle, pass, clock, relay, openAnotherDevice } = await setup({
    upTo: 'exported',
    rest: crypto.rest,
  })
  const kits = { vendor: await savedKit(vera), partner: await savedKit(paul) }
  const orgs: readonly (readonly [Side, string, MemoryOrg])[] = [
    ['vendor', 'vera', vera],
    ['vendor', 'victor', await openAnotherDevice(vera, { userName: 'Victor', role: 'admin' })],
    ['vendor', 'viola', await openAnotherDevice(vera, { userName: 'Viola', role: 'member' })],
    ['partner', 'paul', paul],
    ['partner', 'pia', await openAnotherDevice(paul, { userName: 'Pia', role: 'admin' })],
  ]
  await settle()
  const isSigned = (): boolean => orgs.every(([, , org]) => org.sync.status().signed.every(({ state }) => state === 'signed'))
  for (let second = 0; second < 60 && !isSigned(); second++) {
    clock.advance(1_000)
    await pass(3)
  }
  await settle()
  const devices: WorldDevice[] = []
  for (const [side, name, org] of orgs) {
    devices.push({ side, name, role: org.user.role, store: await org.store.backup() })
    await org.close()
  }
  return { now: clock.now(), relay: relay.state, devices, connection, records: { vendor: record, partner: copy }, kits }
}

async function savedKit(org: MemoryOrg): Promise<OpenedKit> {
  const { file, passphrase } = await org.recovery.makeKit()
  await org.recovery.confirmKit(file, passphrase)
  return openKit(file, passphrase)
}
