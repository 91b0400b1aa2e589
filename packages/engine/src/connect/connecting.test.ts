import { x25519 } from '@noble/curves/ed25519.js'
import { fromBase64UrlEncoded, toBase64UrlEncoded } from 'lib0/buffer'
import { describe, expect, it } from 'vitest'
import type { Engine } from '../api/index.js'
import { connect, enabledConnection, guessAt, invitationPage, seededRandom, setup } from '../testing/index.js'
import { rowKey, rowWrite, storedRow } from '../row/stored-row.js'
import { mailboxId } from '../seal/keys.js'
import { textOf } from '../replica/feed-role.js'
import { mailboxFeed, messageRowId } from '../replica/index.js'
import { commitKey } from './handshake-reconciler.js'
import { parseLink } from './invitation-link.js'
import { makeReveal } from './reveal.js'

const linkOf = async (engine: Engine): Promise<string> => (await engine.connections.invite(invitationPage)).invitation?.link ?? ''
const firstOf = (engine: Engine) => engine.connections.list()[0]
const areConnected = (...engines: readonly Engine[]) => engines.every((engine) => enabledConnection(engine) !== undefined)

describe('Vera of Vista invites Paul of Pine', () => {
  it('[CN2, CN4, CN6] both are connected without another click, see one code, and have an integration user', async () => {
    const { vera, paul, connection } = await setup({ upTo: 'connected' })
    const [ours, theirs] = [vera, paul].map((org) => org.connections.get(connection))
    expect(ours).toMatchObject({ side: 'vendor', peerName: 'Pine', peer: paul.org.id, verified: 'no', problem: undefined })
    expect(theirs).toMatchObject({ id: connection, side: 'partner', peerName: 'Vista', peer: vera.org.id, verified: 'no' })
    expect(ours?.code).toMatch(/^\d{4} \d{4} \d{4}$/)
    expect(theirs?.code).toBe(ours?.code)
    for (const engine of [vera, paul]) {
      expect(engine.people.users().filter((user) => user.role === 'integration')).toHaveLength(1)
      expect(engine.sync.status().problems).toEqual([])
    }
  })

  it('[CN1] with a link whose secret stands in its fragment alone; any other text is refused without repeating it', async () => {
    const { vera, paul } = await setup()
    const link = await linkOf(vera)
    const { secret, vendor } = parseLink(link)
    expect(vendor).toBe(vera.org.id)
    expect(new URL(link).href.replace(new URL(link).hash, '')).toBe(invitationPage)
    for (const wrong of ['', invitationPage, `${invitationPage}#invite=${secret}`, link.slice(0, -1), link.replace('#', '?')]) {
      const refused = paul.connections.accept(wrong)
      await expect(refused).rejects.toMatchObject({ code: 'LINK' })
      await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining(secret) })
    }
    await expect(vera.connections.accept(link)).rejects.toMatchObject({ code: 'LINK' })
  })

  it('[CN6] the handshake goes on however often both pages are closed on the way', async () => {
    const { pass, reload, ...orgs } = await setup()
    let { vera, paul } = orgs
    await paul.connections.accept(await linkOf(vera))
    for (let stay = 0; stay < 60 && !areConnected(vera, paul); stay++) {
      await pass(stay)
      ;[vera, paul] = [await reload(vera), await reload(paul)]
    }
    expect(enabledConnection(vera)?.code).toBeDefined()
    expect(enabledConnection(vera)?.code).toBe(enabledConnection(paul)?.code)
    for (const engine of [vera, paul]) expect(engine.connections.list()).toHaveLength(1)
  })

  it('[CN7] a mismatch of the codes blocks both sides and is recorded (row 70)', async () => {
    const { vera, paul, connection: id, until } = await setup({ upTo: 'connected' })
    await vera.connections.compareCodes(id, false)
    await until('Paul hears of it', () => paul.connections.get(id)?.state === 'Error')
    for (const engine of [vera, paul]) {
      expect(engine.connections.get(id)).toMatchObject({ state: 'Error', verified: 'mismatch', problem: expect.stringContaining('differ') })
    }
    expect(vera.sync.status().problems[0]?.what).toContain('differ')
    await expect(paul.connections.compareCodes(id, true)).rejects.toMatchObject({ code: 'NOT_CONNECTED' })
  })

  it('[CN7] the end that one side puts to it is told to the other', async () => {
    const { vera, paul, connection: id, until } = await setup({ upTo: 'connected' })
    await paul.connections.disconnect(id)
    await until('Vera hears of it', () => vera.connections.get(id)?.state === 'Disabled')
    expect(vera.connections.get(id)?.problem).toContain('other org')
  })

  it('[CN3] a commitment that is no hash, but a long text, ends the invitation', async () => {
    const { vera, paul, until } = await setup()
    const link = await linkOf(vera)
    await paul.connections.accept(link)
    const feed = mailboxFeed(mailboxId(parseLink(link).secret), 'partner')
    await paul.rows.save([{ object: 'Message', id: messageRowId(feed, commitKey), values: { body: 'x'.repeat(60_000) } }])
    await until('Vera is told', () => firstOf(vera)?.state === 'Error')
    expect(firstOf(vera)?.problem).toContain('committed to nothing')
  })

  it('[CN9] each org keeps the secret half of the key that it revealed, and the other’s public one', async () => {
    const { vera, paul, connection } = await setup({ upTo: 'connected' })
    const kept = [vera, paul].map(({ rows }) => {
      const [own, peer] = ['exchangeKey', 'peerExchange'].map((field) => textOf(rows.get('Connection', connection), field) ?? '')
      return { own: toBase64UrlEncoded(x25519.getPublicKey(fromBase64UrlEncoded(own ?? ''))), peer }
    })
    expect(kept[0]).toEqual({ own: kept[1]?.peer, peer: kept[1]?.own })
    expect([...vera.rows.list('Invitation').values()].map((row) => textOf(row, 'exchangeKey'))).toEqual([undefined])
  })

  it('[CN5] a partner takes no other vendor than the one that the link names', async () => {
    const { vera, paul, open, until } = await setup()
    const link = await linkOf(vera)
    // Mallory has the secret, but the link that Paul got names her own org in Vista's place.
    const mallory = await open({ orgName: 'Mallory', userName: 'Mallory' })
    await paul.connections.accept(link.replace(vera.org.id, mallory.org.id))
    await until('Paul is told', () => firstOf(paul)?.state === 'Error')
    expect(firstOf(paul)?.problem).toContain('Another org answered')
    expect(enabledConnection(paul)).toBeUndefined()
    expect(enabledConnection(vera)).toBeUndefined()
  })

  it('[CN3] a partner that shows another key than it had committed to is not connected', async () => {
    const { vera, paul, clock, open, settle, until } = await setup()
    const link = await linkOf(vera)
    const mailbox = mailboxId(parseLink(link).secret)
    await settle()
    vera.sync.cut()
    await paul.connections.accept(link)
    await until('the commitment is at the relay', () => paul.sync.status().waiting === 0)
    await paul.close()
    // Paul's device now holds another reveal than the one that it committed to: what a relay in the middle would have to show.
    const store = paul.store.reopen()
    const other = await makeReveal({ ...paul.context, random: seededRandom(7) }, mailbox)
    await store.update([rowKey('Invitation', mailbox)], ([stored]) => {
      const row = storedRow(stored)
      if (!row) throw new Error('no invitation')
      const stamp = [clock.now() + 1_000, 0, 1] as const
      const registers = { ...row.registers, reveal: [stamp, other.jws] as const, exchangeKey: [stamp, other.exchangeKey] as const }
      return { writes: [rowWrite({ object: row.object, id: row.id, registers })], result: undefined }
    })
    await open({ store })
    vera.sync.mend()
    await until('Vera is told', () => firstOf(vera)?.state === 'Error')
    expect(firstOf(vera)?.problem).toContain('committed')
    expect(enabledConnection(vera)).toBeUndefined()
  })

  it('an invitation that another org has taken, that expired or that was cancelled says so in words', async () => {
    const { vera, paul, open, until } = await setup()
    const link = await linkOf(vera)
    await paul.connections.accept(link)
    await until('Pine is connected', () => enabledConnection(paul) !== undefined)
    const late = await open({ orgName: 'Latecomer', userName: 'Lea' })
    await late.connections.accept(link)
    await until('Lea is told', () => firstOf(late)?.state === 'Error')
    expect(firstOf(late)?.problem).toBeDefined()
    const { id } = await vera.connections.invite(invitationPage)
    await vera.connections.cancelInvitation(id)
    expect(vera.connections.get(id)).toMatchObject({
      state: 'Disabled',
      problem: expect.stringContaining('The invitation was cancelled.'),
      invitation: undefined,
    })
  })

  it('[CN4] Mallory, who answers each in the name of the other, gives them two different codes', async () => {
    const { vera, paul, network, open, until } = await setup()
    // She caught Vera's link, took it as "Pine", and sent Paul a link of her own org, "Vista".
    const asPine = await open({ orgName: 'Pine', userName: 'Paul' })
    const asVista = await open({ orgName: 'Vista', userName: 'Vera' })
    const withVera = vera.connections.get(await connect({ network, vendor: vera, partner: asPine }))
    const withPaul = paul.connections.get(await connect({ network, vendor: asVista, partner: paul }))
    expect([withVera?.peerName, withPaul?.peerName]).toEqual(['Pine', 'Vista'])
    expect(withVera?.code).toMatch(/\d/)
    expect(withVera?.code).not.toBe(withPaul?.code)
    if (!withPaul) throw new Error('Paul is not connected.')
    await paul.connections.compareCodes(withPaul.id, false)
    await until('Mallory is shut out', () => asVista.connections.get(withPaul.id)?.state === 'Error')
  })

  it('[CN7] one who takes a link that was cancelled meanwhile is told so, also when the canceller was offline', async () => {
    const { vera, paul, settle, until } = await setup()
    vera.sync.cut()
    const { id, invitation } = await vera.connections.invite(invitationPage)
    await vera.connections.cancelInvitation(id)
    await expect(vera.connections.cancelInvitation(id)).rejects.toMatchObject({ code: 'NOT_CONNECTED' })
    vera.sync.mend()
    await settle(vera)
    await paul.connections.accept(invitation?.link ?? '')
    await until('Paul is told', () => firstOf(paul)?.state === 'Disabled')
    expect(firstOf(paul)?.problem).toContain('cancelled')
    expect(enabledConnection(vera)).toBeUndefined()
  })

  it('[MB8] a link that Paul opens before Vera’s relay has heard of it leads to the connection once she is online', async () => {
    const { vera, paul, pass, until } = await setup()
    vera.sync.cut()
    await paul.connections.accept(await linkOf(vera))
    await pass(100)
    expect(firstOf(paul)?.state).toBe('Pending')
    vera.sync.mend()
    await until('both are connected', () => areConnected(vera, paul))
  })

  it('a partner that changes its mind before the vendor answers takes its acceptance back', async () => {
    const { vera, paul } = await setup()
    const link = await linkOf(vera)
    vera.sync.cut()
    const { id } = await paul.connections.accept(link)
    await paul.connections.cancelInvitation(id)
    expect(paul.connections.get(id)).toMatchObject({ state: 'Disabled', problem: expect.stringContaining('The invitation was cancelled.') })
  })

  it('an invitation guessed five times is void, and Vera is told (row 30)', async () => {
    const { vera, relay, clock, until } = await setup()
    const link = await linkOf(vera)
    const mailbox = mailboxId(parseLink(link).secret)
    await until('the relay holds the invitation', () => relay.state.mailboxes.has(mailbox))
    guessAt(relay, clock, mailbox, 5)
    await until('Vera is told', () => firstOf(vera)?.state === 'Error')
    expect(firstOf(vera)?.problem).toContain('void')
  })

  it('an invitation is over after 72 hours, without its link', async () => {
    const { vera } = await setup()
    vera.sync.cut()
    await linkOf(vera)
    expect(firstOf(vera)).toMatchObject({ state: 'Pending', problem: undefined })
    vera.clock.skew = 72 * 60 * 60 * 1000 + 60_000
    expect(firstOf(vera)).toMatchObject({ state: 'Error', invitation: undefined, problem: expect.stringContaining('expired') })
  })

  it('two devices whose clocks are at 1970 and at 2100 connect all the same (row 53)', async () => {
    const skewOf = (year: number): number => Date.UTC(year, 0, 2) - Date.UTC(2026, 0, 5)
    const { vera, paul, connection } = await setup({
      upTo: 'connected',
      vera: { skew: skewOf(2100) },
      paul: { skew: skewOf(1970) },
    })
    const code = vera.connections.get(connection)?.code
    expect(code).toBeDefined()
    expect(code).toBe(paul.connections.get(connection)?.code)
  })

  it('the relay and whoever listens there get no secret, no name and no key exchange in the clear', async () => {
    const frames: string[] = []
    const onSend = (frame: Uint8Array) => void frames.push(String.fromCharCode(...frame))
    const { vera, paul, settle, until } = await setup({
      vera: { orgName: 'Vista-q7f3a9k2', userName: 'Vera-q7f3a9k2', onSend },
      paul: { orgName: 'Pine-q7f3a9k2', userName: 'Paul-q7f3a9k2', onSend },
    })
    const link = await linkOf(vera)
    await paul.connections.accept(link)
    await until('both are connected', () => areConnected(vera, paul))
    // Both have told their people.
    await settle()
    const heard = frames.join('\n')
    expect(heard).toContain(vera.org.id)
    // A name inside a JWT or a JSON would stand there as base64, at one of three alignments.
    const aligned = [btoa('q7f3a9k2').slice(0, 10), btoa('-q7f3a9k2').slice(2, 12), btoa('--q7f3a9k2').slice(3, 13)]
    for (const secret of [parseLink(link).secret, 'q7f3a9k2', ...aligned, 'orgName', 'exchange']) expect(heard).not.toContain(secret)
  })
})

describe('who may export', () => {
  it('[PE1, PE2] is announced by the partner and granted by the vendor, as long as there are seats', async () => {
    const { vera, paul, network, until } = await setup()
    await paul.people.addUser('Petra', 'member')
    const id = await connect({ network, vendor: vera, partner: paul })
    await until('Vera sees both', () => vera.people.list(id).length === 2)
    await vera.people.setSeats(id, 1)
    const [first, second] = vera.people.list(id)
    await vera.people.grant(id, first?.id ?? '')
    await expect(vera.people.grant(id, second?.id ?? '')).rejects.toMatchObject({ code: 'TOO_MANY' })
    await until('Paul hears of the grant', () => paul.people.list(id).some((person) => person.granted))
    expect(paul.people.list(id).find((person) => person.granted)?.id).toBe(first?.id)
    expect(paul.people.seats(id)).toEqual({ total: 1, used: 1 })
    await vera.people.revoke(id, first?.id ?? '')
    await until('Paul hears of the revocation', () => paul.people.list(id).every((person) => !person.granted))
    await expect(paul.people.grant(id, first?.id ?? '')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
  })
})
