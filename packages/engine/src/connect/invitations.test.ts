import { describe, expect, it } from 'vitest'
import type { Engine } from '../api/index.js'
import { enabledConnection, invitationPage, type MemoryOrg, setup } from '../testing/index.js'
import { formatLink, parseLink } from './invitation-link.js'

const linkOf = async (engine: Engine): Promise<string> => (await engine.connections.invite(invitationPage)).invitation?.link ?? ''
const firstOf = (engine: Engine) => engine.connections.list()[0]
const hours = 60 * 60 * 1000

describe('an invitation, from its making to its end', () => {
  it('[CN1] says who invites before Paul accepts, as nothing but a claim', async () => {
    const { vera, paul, until } = await setup()
    const link = await linkOf(vera)
    expect(paul.connections.read(link)).toEqual({ vendor: vera.org.id, vendorName: 'Vista' })
    expect(paul.connections.list()).toEqual([])
    const waiting = await paul.connections.accept(link)
    expect(waiting).toMatchObject({ state: 'Pending', peerName: 'Vista', verified: 'no' })
    await until('both are connected', () => [vera, paul].every((org) => enabledConnection(org) !== undefined))
    expect(() => paul.connections.read('https://vista.example/')).toThrow(expect.objectContaining({ code: 'LINK' }))
  })

  it('[CN1] shows no name that hides or turns its letters, or goes on for ever', async () => {
    const { vera, paul } = await setup()
    const { secret, vendor } = parseLink(await linkOf(vera))
    const nameIn = (name: string) => paul.connections.read(formatLink(invitationPage, { secret, vendor, vendorName: name })).vendorName
    expect(nameIn('  Vista \u202eevil\u0000\n\tInc\u200b ')).toBe('Vista evil Inc')
    expect(nameIn('\u202e\u0007')).toBeUndefined()
    expect(nameIn('Übergröße 株式会社')).toBe('Übergröße 株式会社')
    expect(Array.from(nameIn('😀'.repeat(300)) ?? '')).toHaveLength(80)
    // What somebody else wrote into the link is read by the same rule.
    const forged = (text: string) => `${invitationPage}#invite=${secret}.${btoa(text).replace(/=+$/, '').replaceAll('/', '_')}.${vendor}`
    expect(paul.connections.read(forged('A\u0000B')).vendorName).toBe('AB')
    expect(paul.connections.read(forged('\u00ff\u00fe')).vendorName).toBeUndefined()
    expect(() => paul.connections.read(forged('x'.repeat(2_000)))).toThrow(expect.objectContaining({ code: 'LINK' }))
    // Without a name, as an older link has it, and without its last character.
    expect(parseLink(`${invitationPage}#invite=${secret}.${vendor}`)).toEqual({ secret, vendor, vendorName: undefined })
    expect(() => parseLink(formatLink(invitationPage, { secret, vendor, vendorName: 'Vista' }).slice(0, -1))).toThrow()
  })

  it('one that nobody answers is over for Paul after 72 hours too', async () => {
    const { vera, paul, settle, pass } = await setup()
    const link = await linkOf(vera)
    await settle()
    vera.sync.cut()
    await paul.connections.accept(link)
    await settle(paul)
    expect(firstOf(paul)).toMatchObject({ state: 'Pending', problem: undefined })
    paul.clock.skew = 72 * hours + 60_000
    await pass(10)
    expect(firstOf(paul)).toMatchObject({ state: 'Error', problem: expect.stringContaining('Ask for a new one') })
  })

  it('each end of an invitation says what to do, and to whom', async () => {
    const { vera, paul, open, until } = await setup()
    const link = await linkOf(vera)
    await paul.connections.accept(link)
    await until('Pine is connected', () => enabledConnection(paul) !== undefined)
    const late = await open({ orgName: 'Latecomer', userName: 'Lea' })
    await late.connections.accept(link)
    await until('Lea is told', () => firstOf(late)?.state === 'Error')
    expect(firstOf(late)?.problem).toContain('Ask for a new one')
    vera.sync.cut()
    await linkOf(vera)
    vera.clock.skew = 72 * hours + 60_000
    const over = vera.connections.list().find(({ state }) => state === 'Error')
    expect(over?.problem).toBe('The invitation has expired. Make a new one.')
  })

  it('[DR1] is not said to be used by a member’s device, which signs nothing: an admin’s says so', async () => {
    const { vera, paul, openAnotherDevice, settle } = await setup()
    const mia = await openAnotherDevice(vera, { userName: 'Mia', role: 'member' })
    const link = await linkOf(vera)
    await settle()
    vera.sync.cut()
    await paul.connections.accept(link)
    await settle(paul, mia)
    const kept = ({ rows }: MemoryOrg) => [...rows.list('Invitation').values()].map(({ registers }) => registers)
    expect(kept(mia)).toEqual(kept(vera))
  })

  it('a dead one leaves the list, a live one does not', async () => {
    const { vera, paul, reload } = await setup()
    const { id } = await vera.connections.invite(invitationPage)
    await expect(vera.connections.remove(id)).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await vera.connections.cancelInvitation(id)
    await vera.connections.remove(id)
    expect(vera.connections.list()).toEqual([])
    expect((await reload(vera)).connections.list()).toEqual([])
    await expect(paul.connections.remove(id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('the own name of a connection', () => {
  it('stands where the other org’s stood, at one org alone, until it is taken back', async () => {
    const { vera, paul, connection, record, reload } = await setup({ upTo: 'exported' })
    await vera.connections.rename(connection, '  Pine in Lyon ')
    expect(vera.connections.get(connection)).toMatchObject({ label: 'Pine in Lyon', peerName: 'Pine' })
    expect(vera.mirrors.of('Lead', record)[0]?.peerName ?? vera.records.shares('Lead', record)[0]?.peerName).toBe('Pine in Lyon')
    expect(paul.connections.get(connection)).toMatchObject({ label: undefined, peerName: 'Vista' })
    const again = await reload(vera)
    expect(again.connections.get(connection)?.label).toBe('Pine in Lyon')
    await expect(again.connections.rename(connection, 'x'.repeat(201))).rejects.toMatchObject({ code: 'INVALID' })
    await again.connections.rename(connection, '')
    expect(again.connections.get(connection)?.label).toBeUndefined()
  })

  it('of an invitation goes over to its connection', async () => {
    const { vera, paul, until } = await setup()
    const { id, invitation } = await vera.connections.invite(invitationPage)
    await vera.connections.rename(id, 'For Lyon')
    expect(vera.connections.get(id)?.label).toBe('For Lyon')
    await paul.connections.accept(invitation?.link ?? '')
    await until('Vera is connected', () => enabledConnection(vera) !== undefined)
    expect(enabledConnection(vera)).toMatchObject({ label: 'For Lyon', peerName: 'Pine' })
  })
})
