import { decodeRelayFrame, encodeClientFrame, parseOrgId } from '@entente/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import type { Engine } from '../api.js'
import { openEngine } from '../engine.js'
import { MemoryBrowser, MemoryRelay, MemoryStore, seededRandom } from '../testing/index.js'
import { memoryHello } from '../testing/hello.js'
import type { Clock } from '../port/clock.js'
import type { OpenSocket } from '../port/socket.js'
import { loadIdentity } from '../identity/identity.js'
import { rowKey, storedRow } from '../row/rows.js'
import { mailboxClaim, mailboxId } from '../seal/keys.js'
import { parseLink } from './invitation-link.js'
import { makeReveal } from './reveal.js'

const clock: Clock = {
  now: () => Date.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms)
    return () => clearTimeout(timer)
  },
}

const page = 'https://vista.example/connect'
const open: Engine[] = []
let seed = 0
afterEach(async () => {
  for (const engine of open.splice(0)) await engine.close()
})

interface OrgOptions {
  readonly store?: MemoryStore
  readonly clock?: Clock
  /** Hears every frame that the device sends. */
  readonly onSend?: (frame: Uint8Array) => void
}

async function openOrg(relay: MemoryRelay, orgName: string, userName: string, options: OrgOptions = {}): Promise<Engine> {
  const { store = new MemoryStore(), onSend = () => undefined } = options
  const tabs = new MemoryBrowser().open()
  const random = seededRandom(++seed)
  const openSocket: OpenSocket = (url, events) => {
    const socket = relay.openSocket(url, events)
    return {
      close: () => socket.close(),
      send(frame) {
        onSend(frame)
        socket.send(frame)
      },
    }
  }
  const engine = await openEngine({
    store,
    openSocket,
    clock: options.clock ?? clock,
    random,
    tabs,
    relay: 'ws://relay.example/socket',
    create: { orgName, userName },
  })
  open.push(engine)
  return engine
}

async function openBoth() {
  const relay = new MemoryRelay({ clock, random: seededRandom(++seed) })
  return { relay, vista: await openOrg(relay, 'Vista', 'Vera'), pine: await openOrg(relay, 'Pine', 'Paul') }
}

const linkOf = async (engine: Engine): Promise<string> => (await engine.connections.invite(page)).invitation?.link ?? ''
const firstOf = (engine: Engine) => engine.connections.list()[0]
const enabled = (engine: Engine) => engine.connections.list().find(({ state }) => state === 'Enabled')

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (holds()) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`Did not come about: ${what}`)
}

async function connect(vista: Engine, pine: Engine) {
  await pine.connections.accept(await linkOf(vista))
  await until('both are connected', () => enabled(vista) !== undefined && enabled(pine) !== undefined)
  const [ours, theirs] = [enabled(vista), enabled(pine)]
  if (!ours || !theirs) throw new Error('not connected')
  return { ours, theirs, id: ours.id }
}

describe('Vera of Vista invites Paul of Pine', () => {
  it('[CN2, CN4, CN6] both are connected without another click, see one code, and have an integration user', async () => {
    const { vista, pine } = await openBoth()
    const { ours, theirs } = await connect(vista, pine)
    expect(ours).toMatchObject({ side: 'vendor', peerName: 'Pine', peer: pine.org.id, verified: 'no', problem: undefined })
    expect(theirs).toMatchObject({ id: ours.id, side: 'partner', peerName: 'Vista', peer: vista.org.id, verified: 'no' })
    expect(ours.code).toMatch(/^\d{4} \d{4} \d{4}$/)
    expect(theirs.code).toBe(ours.code)
    for (const engine of [vista, pine]) {
      expect(engine.people.users().filter((user) => user.role === 'integration')).toHaveLength(1)
      expect(engine.sync.status().problems).toEqual([])
    }
  })

  it('[CN1] with a link whose secret stands in its fragment alone; any other text is refused without repeating it', async () => {
    const { vista, pine } = await openBoth()
    const link = await linkOf(vista)
    const { secret, vendor } = parseLink(link)
    expect(vendor).toBe(vista.org.id)
    expect(new URL(link).href.replace(new URL(link).hash, '')).toBe(page)
    for (const wrong of ['', page, `${page}#invite=${secret}`, link.slice(0, -1), link.replace('#', '?')]) {
      const refused = pine.connections.accept(wrong)
      await expect(refused).rejects.toMatchObject({ code: 'LINK' })
      await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining(secret) })
    }
    await expect(vista.connections.accept(link)).rejects.toMatchObject({ code: 'LINK' })
  })

  it('[CN6] the handshake goes on however often both pages are closed on the way', async () => {
    const relay = new MemoryRelay({ clock, random: seededRandom(++seed) })
    let [first, second] = [new MemoryStore(), new MemoryStore()]
    const reopen = async (): Promise<[Engine, Engine]> => {
      for (const engine of open.splice(0)) await engine.close()
      ;[first, second] = [first.loseTail(0), second.loseTail(0)]
      return [await openOrg(relay, 'Vista', 'Vera', { store: first }), await openOrg(relay, 'Pine', 'Paul', { store: second })]
    }
    let [vista, pine] = await reopen()
    await pine.connections.accept(await linkOf(vista))
    for (let stay = 0; stay < 60 && !(enabled(vista) && enabled(pine)); stay++) {
      await new Promise((resolve) => setTimeout(resolve, stay))
      ;[vista, pine] = await reopen()
    }
    expect(enabled(vista)?.code).toBeDefined()
    expect(enabled(vista)?.code).toBe(enabled(pine)?.code)
    for (const engine of [vista, pine]) expect(engine.connections.list()).toHaveLength(1)
  })

  it('[CN7] a mismatch of the codes blocks both sides and is recorded', async () => {
    const { vista, pine } = await openBoth()
    const { id } = await connect(vista, pine)
    await vista.connections.compareCodes(id, false)
    await until('Paul hears of it', () => pine.connections.get(id)?.state === 'Error')
    for (const engine of [vista, pine]) {
      expect(engine.connections.get(id)).toMatchObject({ state: 'Error', verified: 'mismatch', problem: expect.stringContaining('differ') })
    }
    expect(vista.sync.status().problems[0]?.what).toContain('differ')
    await expect(pine.connections.compareCodes(id, true)).rejects.toMatchObject({ code: 'NOT_CONNECTED' })
  })

  it('[CN7] the end that one side puts to it is told to the other', async () => {
    const { vista, pine } = await openBoth()
    const { id } = await connect(vista, pine)
    await pine.connections.disconnect(id)
    await until('Vera hears of it', () => vista.connections.get(id)?.state === 'Disabled')
    expect(vista.connections.get(id)?.problem).toContain('other org')
  })

  it('[CN5] a partner takes no other vendor than the one that the link names', async () => {
    const { relay, vista, pine } = await openBoth()
    const link = await linkOf(vista)
    // Mallory has the secret, but the link that Paul got names her own org in Vista's place.
    const mallory = await openOrg(relay, 'Mallory', 'Mallory')
    await pine.connections.accept(link.replace(vista.org.id, mallory.org.id))
    await until('Paul is told', () => firstOf(pine)?.state === 'Error')
    expect(firstOf(pine)?.problem).toContain('not the org')
    expect(enabled(pine)).toBeUndefined()
    expect(enabled(vista)).toBeUndefined()
  })

  it('[CN3] a partner that shows another key than it had committed to is not connected', async () => {
    const relay = new MemoryRelay({ clock, random: seededRandom(++seed) })
    const vista = await openOrg(relay, 'Vista', 'Vera')
    const store = new MemoryStore()
    const pine = await openOrg(relay, 'Pine', 'Paul', { store })
    const link = await linkOf(vista)
    const mailbox = mailboxId(parseLink(link).secret)
    await vista.sync.settled(2_000)
    await new Promise((resolve) => setTimeout(resolve, 20))
    vista.sync.cut()
    await pine.connections.accept(link)
    await until('the commitment is at the relay', () => pine.sync.status().waiting === 0)
    await open.splice(open.indexOf(pine), 1)[0]?.close()
    // Paul's device now holds another reveal than the one that it committed to: what a relay in the middle would have to show.
    const disk = store.loseTail(0)
    const identity = await loadIdentity(disk, clock)
    if (!identity) throw new Error('no identity')
    const other = await makeReveal(identity, mailbox, seededRandom(++seed))
    await disk.update([rowKey('Invitation', mailbox)], ([stored]) => {
      const row = storedRow(stored)
      if (!row) throw new Error('no invitation')
      const stamp = [clock.now() + 1_000, 0, 1] as const
      const registers = { ...row.registers, reveal: [stamp, other.jws] as const, exchangeKey: [stamp, other.exchangeKey] as const }
      return { writes: [{ put: rowKey('Invitation', mailbox), value: { ...row, registers } }], result: undefined }
    })
    await openOrg(relay, 'Pine', 'Paul', { store: disk })
    vista.sync.mend()
    await until('Vera is told', () => firstOf(vista)?.state === 'Error')
    expect(firstOf(vista)?.problem).toContain('committed')
    expect(enabled(vista)).toBeUndefined()
  })

  it('an invitation that another org has taken, that expired or that was cancelled says so in words', async () => {
    const { relay, vista, pine } = await openBoth()
    const link = await linkOf(vista)
    await pine.connections.accept(link)
    await until('Pine is connected', () => enabled(pine) !== undefined)
    const late = await openOrg(relay, 'Latecomer', 'Lea')
    await late.connections.accept(link)
    await until('Lea is told', () => firstOf(late)?.state === 'Error')
    expect(firstOf(late)?.problem).toBeDefined()
    const { id } = await vista.connections.invite(page)
    await vista.connections.cancelInvitation(id)
    expect(vista.connections.get(id)).toMatchObject({ state: 'Disabled', problem: 'The invitation was cancelled.', invitation: undefined })
  })

  it('[CN4] Mallory, who answers each in the name of the other, gives them two different codes', async () => {
    const { relay, vista, pine } = await openBoth()
    // She caught Vera's link, took it as "Pine", and sent Paul a link of her own org, "Vista".
    const asPine = await openOrg(relay, 'Pine', 'Paul')
    const asVista = await openOrg(relay, 'Vista', 'Vera')
    const [withVera, withPaul] = [await connect(vista, asPine), await connect(asVista, pine)]
    expect([withVera.ours.peerName, withPaul.theirs.peerName]).toEqual(['Pine', 'Vista'])
    expect(withVera.ours.code).not.toBe(withPaul.theirs.code)
    await pine.connections.compareCodes(withPaul.id, false)
    await until('Mallory is shut out', () => asVista.connections.get(withPaul.id)?.state === 'Error')
  })

  it('[CN7] one who takes a link that was cancelled meanwhile is told so, also when the canceller was offline', async () => {
    const { vista, pine } = await openBoth()
    vista.sync.cut()
    const { id, invitation } = await vista.connections.invite(page)
    await vista.connections.cancelInvitation(id)
    await expect(vista.connections.cancelInvitation(id)).rejects.toMatchObject({ code: 'NOT_CONNECTED' })
    vista.sync.mend()
    await vista.sync.settled(2_000)
    await pine.connections.accept(invitation?.link ?? '')
    await until('Paul is told', () => firstOf(pine)?.state === 'Disabled')
    expect(firstOf(pine)?.problem).toContain('cancelled')
    expect(enabled(vista)).toBeUndefined()
  })

  it('[CN2] a link that Paul opens before Vera’s relay has heard of it leads to the connection once she is online', async () => {
    const { vista, pine } = await openBoth()
    await pine.sync.settled(2_000)
    vista.sync.cut()
    await pine.connections.accept(await linkOf(vista))
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(firstOf(pine)?.state).toBe('Pending')
    vista.sync.mend()
    await until('both are connected', () => enabled(vista) !== undefined && enabled(pine) !== undefined)
  })

  it('a partner that changes its mind before the vendor answers takes its acceptance back', async () => {
    const { vista, pine } = await openBoth()
    const link = await linkOf(vista)
    vista.sync.cut()
    const { id } = await pine.connections.accept(link)
    await pine.connections.cancelInvitation(id)
    expect(pine.connections.get(id)).toMatchObject({ state: 'Disabled', problem: 'The invitation was cancelled.' })
  })

  it('an invitation guessed five times is void, and Vera is told (row 30)', async () => {
    const { relay, vista } = await openBoth()
    const link = await linkOf(vista)
    const mailbox = mailboxId(parseLink(link).secret)
    await vista.sync.settled(2_000)
    await until('the relay holds the invitation', () => relay.state.mailboxes.has(mailbox))
    const guess = mailboxClaim('A'.repeat(22), mailbox)
    const socket = relay.openSocket('ws://relay.example/socket', {
      onFrame(frame) {
        for (const message of decodeRelayFrame(frame)) {
          if (message.type !== 'challenge') continue
          const hello = memoryHello(parseOrgId('M'.repeat(43)))
          const context = { nonce: '', host: 'relay.example', version: 1, time: clock.now() }
          void hello(context).then((said) => {
            const tries = Array.from({ length: 5 }, () => ({ type: 'claim', mailbox, claim: guess }) as const)
            socket.send(encodeClientFrame([{ type: 'hello', ...said }, ...tries]))
          })
        }
      },
      onOpen: () => undefined,
      onClose: () => undefined,
    })
    await until('Vera is told', () => firstOf(vista)?.state === 'Error')
    expect(firstOf(vista)?.problem).toContain('void')
    socket.close()
  })

  it('an invitation is over after 72 hours, without its link', async () => {
    const relay = new MemoryRelay({ clock, random: seededRandom(++seed) })
    let later = 0
    const vista = await openOrg(relay, 'Vista', 'Vera', { clock: { ...clock, now: () => Date.now() + later } })
    vista.sync.cut()
    await linkOf(vista)
    expect(firstOf(vista)).toMatchObject({ state: 'Pending', problem: undefined })
    later = 72 * 60 * 60 * 1000 + 60_000
    expect(firstOf(vista)).toMatchObject({ state: 'Error', invitation: undefined, problem: expect.stringContaining('expired') })
  })

  it('two devices whose clocks are at 1970 and at 2100 connect all the same (row 53)', async () => {
    const relay = new MemoryRelay({ clock, random: seededRandom(++seed) })
    const at = (year: number): Clock => {
      const skew = Date.UTC(year, 0, 2) - Date.now()
      return { ...clock, now: () => Date.now() + skew }
    }
    const vista = await openOrg(relay, 'Vista', 'Vera', { clock: at(2100) })
    const pine = await openOrg(relay, 'Pine', 'Paul', { clock: at(1970) })
    for (const engine of [vista, pine]) await until('the relay told its time', () => engine.sync.status().state === 'online')
    const { ours, theirs } = await connect(vista, pine)
    expect(ours.code).toBe(theirs.code)
  })

  it('the relay and whoever listens there get no secret, no name and no key exchange in the clear', async () => {
    const relay = new MemoryRelay({ clock, random: seededRandom(++seed) })
    const frames: string[] = []
    const onSend = (frame: Uint8Array) => void frames.push(String.fromCharCode(...frame))
    const vista = await openOrg(relay, 'Vista-q7f3a9k2', 'Vera-q7f3a9k2', { onSend })
    const pine = await openOrg(relay, 'Pine-q7f3a9k2', 'Paul-q7f3a9k2', { onSend })
    const link = await linkOf(vista)
    await pine.connections.accept(link)
    await until('both are connected', () => enabled(vista) !== undefined && enabled(pine) !== undefined)
    await until('both have told their people', () => vista.sync.status().waiting + pine.sync.status().waiting === 0)
    const heard = frames.join('\n')
    expect(heard).toContain(vista.org.id)
    // A name inside a JWT or a JSON would stand there as base64, at one of three alignments.
    const aligned = [btoa('q7f3a9k2').slice(0, 10), btoa('-q7f3a9k2').slice(2, 12), btoa('--q7f3a9k2').slice(3, 13)]
    for (const secret of [parseLink(link).secret, 'q7f3a9k2', ...aligned, 'orgName', 'exchange']) expect(heard).not.toContain(secret)
  })
})

describe('who may export', () => {
  it('[PE1, PE2] is announced by the partner and granted by the vendor, as long as there are seats', async () => {
    const { vista, pine } = await openBoth()
    await pine.people.addUser('Petra', 'member')
    const { id } = await connect(vista, pine)
    await until('Vera sees both', () => vista.people.list(id).length === 2)
    await vista.people.setSeats(id, 1)
    const [first, second] = vista.people.list(id)
    await vista.people.grant(id, first?.id ?? '')
    await expect(vista.people.grant(id, second?.id ?? '')).rejects.toMatchObject({ code: 'TOO_MANY' })
    await until('Paul hears of the grant', () => pine.people.list(id).some((person) => person.granted))
    expect(pine.people.list(id).find((person) => person.granted)?.id).toBe(first?.id)
    expect(pine.people.seats(id)).toEqual({ total: 1, used: 1 })
    await vista.people.revoke(id, first?.id ?? '')
    await until('Paul hears of the revocation', () => pine.people.list(id).every((person) => !person.granted))
    await expect(pine.people.grant(id, first?.id ?? '')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
  })
})
