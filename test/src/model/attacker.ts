import { createDoc, type Epoch, emptyDoc, zeroEpoch } from '@entente/protocol'
import type { Device } from './device.js'
import { type Entry, noBytes, type Offer } from './entries.js'
import {
  allSlots,
  existence,
  type Feed,
  feeds,
  fields,
  isMessages,
  isTeam,
  messagesOf,
  outOf,
  ownerOf,
  records,
  type Register,
} from './names.js'
import { messageSlot } from './opening.js'
import { firstAgreement } from './policy.js'
import { type Answer, copyOf, type Disk, type Held } from './relay.js'
import { rosterKey } from './rosters.js'
import { type Keys, originKey } from './seals.js'
import { Signed } from './signatures.js'
import type { World } from './world.js'

/** What one device is shown of one feed: nothing above a sequence, or all but one key. */
interface View {
  readonly above: number
  readonly key: string | undefined
}

/**
 * Whoever lies: a relay that repeats, holds back, drops and invents; a partner that holds the keys of both directions of the connection; a device that the
 * vendor removed, with all keys of its time. It acts only by what it holds, and everything that it does is an act of this list.
 */
export class Attacker {
  readonly #world: World
  readonly #views = new Map<string, View>()
  readonly #lost = new Set<string>()
  #past: Disk[] = []
  #old: Entry[] = []
  #oldFeeds: Feed[] = []
  #swallowing: Feed | undefined
  #removed: Device | undefined
  /** Whether a removed device wrote anything. */
  usedRemoved = false

  constructor(world: World) {
    this.#world = world
  }

  /** A removed device of the vendor gives the attacker its store. */
  joinedBy(device: Device): void {
    if (device.org === 'V') this.#removed = device
  }

  stop(): void {
    this.#views.clear()
    this.#lost.clear()
    this.#swallowing = undefined
  }

  /** Remembers what the relay took, to repeat it later. */
  note(feed: Feed): void {
    if (this.#world.mode === 'honest') return
    const newest = this.#world.relay.newest(feed)
    if (newest) {
      this.#old.push(newest)
      this.#oldFeeds.push(feed)
    }
    if (this.#world.chance.happens(0.1)) this.#past = [...this.#past.slice(-3), copyOf(this.#world.relay.disk)]
  }

  swallows({ feed }: Offer): boolean {
    return this.#swallowing === feed && this.#world.chance.happens(0.5)
  }

  view(device: Device, feed: Feed, cursor: number, answer: Answer): Answer {
    if (this.#views.size + this.#lost.size === 0) return answer
    const place = `${device.id} ${feed}`
    if (this.#lost.delete(place) && cursor > 0) return { ...answer, lost: true, entries: [] }
    const view = this.#views.get(place)
    if (!view) return answer
    const entries = answer.entries.filter(({ sequence, key }) => sequence <= view.above && key !== view.key)
    return { ...answer, entries, head: Math.min(answer.head, Math.max(view.above, cursor)) }
  }

  act(): void {
    const { mode, chance } = this.#world
    const lying = mode === 'lying relay' || mode === 'both'
    const hostile = mode === 'hostile peer' || mode === 'both'
    if (lying && (!hostile || chance.happens(0.5))) this.#lie()
    else if (hostile) this.#forge()
    if (lying && this.#removed && chance.happens(0.3)) this.#actAsRemoved(this.#removed)
  }

  // -- The relay

  #lie(): void {
    const { chance, devices, relay } = this.#world
    const feed = this.#pick(feeds)
    const device = this.#pick(devices)
    const place = `${device.id} ${feed}`
    const held = relay.held(feed)
    const key = this.#pick([...held.keys.keys(), ...records])
    const lies: Record<string, () => void> = {
      freeze: () => this.#views.set(place, { above: held.head, key: undefined }),
      hide: () => this.#views.set(place, { above: Infinity, key }),
      'tell the truth again': () => this.#views.clear(),
      'say LOST': () => this.#lost.add(place),
      swallow: () => (this.#swallowing = chance.happens(0.5) ? feed : undefined),
      drop: () => held.keys.delete(key),
      'roll back a key': () => this.#rollBack(feed, held, key),
      'roll back a feed': () => this.#rollBackFeed(feed),
      repeat: () => this.#repeat(),
      reorder: () => this.#reorder(held),
      'empty doc': () =>
        this.#append(feed, { key: this.#pick(records), kind: 'doc', whole: true, epoch: this.#anyEpoch(feed), bytes: emptyDoc }),
      'forged tombstone': () =>
        this.#append(feed, {
          key: this.#pick(records),
          kind: 'erased',
          whole: true,
          epoch: this.#anyEpoch(feed),
          bytes: new Uint8Array([0, 0, 0, 0, 1]),
        }),
      garbage: () => {
        const doc = createDoc(new Map([[this.#pick(allSlots), new Uint8Array([9, 9, 9])]]), Number.MAX_SAFE_INTEGER)
        const last = held.keys.get(key)?.at(-1)
        this.#append(feed, {
          key: this.#pick(records),
          kind: 'doc',
          whole: chance.happens(0.5),
          epoch: last?.epoch ?? zeroEpoch,
          bytes: doc,
        })
      },
      'forged control entry': () => {
        const org = this.#pick(['V', 'P'] as const)
        const copy = JSON.stringify({ version: this.#pick([1, 2, 9_000_000]), slots: [], withdrawn: this.#pick([[], ['0', '1']]) })
        this.#append(messagesOf(org), { key: 'policy', kind: 'message', whole: true, epoch: zeroEpoch, bytes: noBytes, copy })
      },
    }
    const [name, lie] = this.#pick(Object.entries(lies))
    this.#world.log(`lie: ${name} ${feed} ${key} ${device.name}`)
    lie()
    relay.forget()
  }

  #rollBack(feed: Feed, held: Held, key: string): void {
    const older = this.#past.at(0)?.feeds.get(feed)?.keys.get(key)
    if (older) held.keys.set(key, older)
  }

  #rollBackFeed(feed: Feed): void {
    const older = this.#pick(this.#past)?.feeds.get(feed)
    if (older) this.#world.relay.disk.feeds.set(feed, { ...older, keys: new Map(older.keys) })
  }

  #repeat(): void {
    const at = this.#world.chance.between(0, this.#old.length - 1)
    const [entry, feed] = [this.#old[at], this.#oldFeeds[at]]
    if (entry && feed) this.#append(feed, entry)
  }

  #reorder(held: Held): void {
    const [one, other] = [this.#pick([...held.keys]), this.#pick([...held.keys])]
    // A store's rows of one key stay in order, or it could not even answer itself.
    if (!one || !other || one === other) return
    const [first, second] = [one[1].at(-1)?.sequence ?? 0, other[1].at(-1)?.sequence ?? 0]
    const moved = (list: readonly Entry[], sequence: number): readonly Entry[] =>
      list.map((entry, index) => (index === list.length - 1 ? { ...entry, sequence } : entry))
    if ((one[1].at(-2)?.sequence ?? 0) >= second || (other[1].at(-2)?.sequence ?? 0) >= first) return
    held.keys.set(one[0], moved(one[1], second))
    held.keys.set(other[0], moved(other[1], first))
  }

  // -- The partner

  #forge(): void {
    const { chance } = this.#world
    const partner = this.#world.of('P')[0]
    if (!partner) return
    // With the relay it writes into the vendor's own feeds; alone into those of its own org.
    const feed =
      this.#world.mode === 'both' && chance.happens(0.7)
        ? this.#pick([outOf('V'), messagesOf('V')])
        : this.#pick([outOf('P'), messagesOf('P')])
    if (isMessages(feed)) this.#forgeMessage(feed, partner.store.keys)
    else this.#forgeDoc(feed, partner.store.keys, partner.store.generations.get(ownerOf(feed)) ?? 0)
  }

  #forgeDoc(feed: Feed, keys: Keys, generation: number): void {
    const { chance, relay, seals } = this.#world
    const key = this.#pick(records)
    const last = relay.held(feed).keys.get(key)?.at(-1)
    const epoch = chance.happens(0.2)
      ? this.#anyEpoch(feed)
      : { version: last?.epoch.version ?? 1, number: Math.min((last?.epoch.number ?? 0) + 1, 2 ** 31 - 1) }
    const owner = ownerOf(feed)
    const origin = keys.has(originKey(owner, generation)) ? owner : undefined
    const make = (slot: string, value: Register['value']): Uint8Array =>
      seals.make(keys, generation, { feed, key, slot, epoch }, { stamp: this.#anyStamp(), value }, origin)
    this.#world.log(`forges ${feed} ${key}`)
    if (chance.happens(0.3)) return this.#append(feed, { key, kind: 'erased', whole: true, epoch, bytes: make(existence, false) })
    const slots = new Map([[existence, make(existence, true)], ...allSlots.map((slot) => [slot, make(slot, 'forged')] as const)])
    this.#append(feed, { key, kind: 'doc', whole: true, epoch, bytes: createDoc(slots, chance.between(1, 2 ** 52)) })
  }

  #forgeMessage(feed: Feed, keys: Keys): void {
    const { chance, seals, relay } = this.#world
    const owner = ownerOf(feed)
    const origin = keys.has(originKey(owner, 0)) ? owner : undefined
    const seal = (key: string, value: string): Uint8Array =>
      seals.make(keys, 0, { feed, key, slot: messageSlot, epoch: zeroEpoch }, { stamp: this.#anyStamp(), value }, origin)
    const send = (key: string, value: string, copy?: string): void =>
      this.#append(feed, { key, kind: 'message', whole: true, epoch: zeroEpoch, bytes: seal(key, value), copy })
    this.#world.log(`forges a message in ${feed}`)
    switch (chance.between(0, 4)) {
      case 0: {
        const policy = JSON.stringify({ version: this.#pick([1, 2, 3, 9_000_000]), slots: allSlots, withdrawn: [] })
        return send('policy', policy, policy)
      }
      case 1: {
        const mine = outOf('V')
        const key = this.#pick(records)
        const epoch: Epoch = { version: 1, number: 0 }
        const bytes = seals.make(keys, 0, { feed: mine, key, slot: '0', epoch }, { stamp: this.#anyStamp(), value: 'handed' })
        const genuine = [...relay.held(mine).keys.values()].flat().find(({ kind }) => kind === 'erased')
        return send(
          'back',
          JSON.stringify([
            [key, '0', epoch, [...bytes]],
            ...(genuine ? [[genuine.key, existence, genuine.epoch, [...genuine.bytes]]] : []),
          ]),
        )
      }
      case 2:
        return send('leaves P9', JSON.stringify([outOf('V'), []]))
      case 3: {
        const claims = { org: owner, number: 2, previous: undefined, admins: ['P0'], members: [], agreement: firstAgreement, generation: 0 }
        return this.#append(feed, {
          key: rosterKey(2),
          kind: 'roster',
          whole: true,
          epoch: zeroEpoch,
          bytes: noBytes,
          token: Signed.sign('P0', claims),
        })
      }
      default: {
        const claims = {
          feed: outOf('V'),
          incarnation: relay.incarnation,
          sequence: 1,
          root: '',
          generation: 0,
          time: this.#world.now + 1000,
          flow: '',
        }
        return this.#append(outOf('V'), {
          key: 'head',
          kind: 'head',
          whole: true,
          epoch: zeroEpoch,
          bytes: noBytes,
          token: Signed.sign('P0', claims),
        })
      }
    }
  }

  // -- A removed device

  #actAsRemoved(device: Device): void {
    const { chance, relay, now } = this.#world
    this.usedRemoved = true
    const { keys } = device.store
    const generation = device.store.generations.get('V') ?? 0
    this.#world.log(`${device.name}, removed, acts`)
    switch (chance.between(0, 3)) {
      case 0:
        return this.#forgeTeam(keys, generation)
      case 1:
        return this.#forgeDoc(outOf('V'), keys, generation)
      case 2: {
        const feed = this.#pick(['V/team', 'V>P'] as const)
        const root = [...relay.held(feed).keys.keys()].join()
        const claims = { feed, incarnation: relay.incarnation, sequence: relay.held(feed).head, root, generation, time: now, flow: '' }
        return this.#append(feed, {
          key: 'head',
          kind: 'head',
          whole: true,
          epoch: zeroEpoch,
          bytes: noBytes,
          token: Signed.sign(device.name, claims),
        })
      }
      default: {
        const version = this.#world.of('V')[0]?.store.agreement.version ?? 1
        const claims = { version: version + 1, slots: [] }
        const partner = this.#world.mode === 'both' ? [Signed.sign('P0', claims)] : []
        const token = { ...claims, signatures: [Signed.sign(device.name, claims), ...partner] }
        const text = JSON.stringify({ ...claims, withdrawn: [] })
        const place = { feed: messagesOf('V'), key: 'policy', slot: messageSlot, epoch: zeroEpoch }
        const bytes = this.#world.seals.make(keys, 0, place, { stamp: this.#anyStamp(), value: text }, 'V')
        return this.#append(messagesOf('V'), {
          key: 'policy',
          kind: 'message',
          whole: true,
          epoch: zeroEpoch,
          bytes,
          copy: text,
          token,
        })
      }
    }
  }

  #forgeTeam(keys: Keys, generation: number): void {
    const { chance, relay, seals } = this.#world
    const key = this.#pick(records)
    const last = relay.held('V/team').keys.get(key)?.at(-1)
    const epoch = { version: 0, number: (last?.epoch.number ?? 0) + 1 }
    const make = (slot: string, value: Register['value']): readonly [string, Uint8Array] => [
      slot,
      seals.make(keys, generation, { feed: 'V/team', key, slot, epoch }, { stamp: this.#anyStamp(), value }, 'V'),
    ]
    const slots = new Map([make(existence, true), ...fields.map((field) => make(field, 'by a removed device'))])
    this.#append('V/team', { key, kind: 'doc', whole: true, epoch, bytes: createDoc(slots, chance.between(1, 2 ** 52)) })
  }

  /** Into the feed: unchecked where the relay lies, else as an offer of the partner's own device. */
  #append(feed: Feed, entry: Omit<Entry, 'sequence'>): void {
    const { relay, mode } = this.#world
    if (mode === 'lying relay' || mode === 'both') {
      relay.append(feed, entry)
      return
    }
    const seen = relay.held(feed).keys.get(entry.key)?.at(-1)?.sequence ?? 0
    const refusal = relay.refusal('P0', 'P', { ...entry, feed, seen, roster: Infinity, generation: 2 ** 31 })
    if (!refusal) relay.append(feed, entry)
  }

  #anyEpoch(feed: Feed): Epoch {
    const number = this.#pick([0, 1, 7, 2 ** 31 - 1])
    return { version: isTeam(feed) ? 0 : this.#pick([1, 2, 9_000_000]), number }
  }

  #anyStamp(): Register['stamp'] {
    const { now, chance } = this.#world
    return [this.#pick([now, now - 60_000, 2 ** 46 - 1]), this.#pick([0, 2 ** 24 - 1]), chance.between(1, 2 ** 52)]
  }

  #pick<T>(list: readonly T[]): T {
    return this.#world.pick(list) as T
  }
}
