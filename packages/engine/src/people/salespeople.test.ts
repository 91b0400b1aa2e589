import { describe, expect, it } from 'vitest'
import { requestRowId } from '../export/job.js'
import { lead, setup } from '../testing/index.js'

/** Pine's three salespeople, each with a device; Vista gives two seats. Paul, Pine's admin, has none. */
async function story() {
  const made = await setup({ upTo: 'shared' })
  const { vera, paul, connection, openAnotherDevice, settle } = made
  for (const name of ['Ada', 'Bob', 'Cleo']) await vera.records.create('Lead', lead(name))
  const [pia, per, pam] = [
    await openAnotherDevice(paul, { userName: 'Pia', role: 'member' }),
    await openAnotherDevice(paul, { userName: 'Per', role: 'member' }),
    await openAnotherDevice(paul, { userName: 'Pam', role: 'member' }),
  ] as const
  await settle()
  await vera.people.revoke(connection, paul.user.id)
  await vera.people.setSeats(connection, 2)
  for (const { user } of [pia, per]) await vera.people.grant(connection, user.id)
  await settle()
  const listed = (org: typeof pia, name: string) => org.site.listings(connection, 'Lead', { search: name }).listings.map(({ id }) => id)
  const copy = (org: typeof pia, name: string) => org.records.list('Lead', { search: name }).records[0]
  return { ...made, pia, per, pam, listed, copy }
}

describe('three salespeople with two seats', () => {
  it('see what is shared; two export and work their copies, and the third is told who holds the seats', async () => {
    const { vera, paul, pia, per, pam, connection, listed, copy, settle } = await story()
    for (const each of [pia, per, pam]) expect(each.site.listings(connection, 'Lead').listings).toHaveLength(3)
    expect(vera.people.list(connection).map(({ name, seated }) => [name, seated])).toEqual(
      expect.arrayContaining([
        ['Pia', true],
        ['Per', true],
        ['Pam', false],
        ['Paul', false],
      ]),
    )
    await expect(vera.people.grant(connection, pam.user.id)).rejects.toMatchObject({
      code: 'TOO_MANY',
      message: expect.stringMatching(/All seats are taken \(2\): (Pia, Per|Per, Pia) have them/),
    })
    expect(pam.site.obstacle(connection, 'Lead')).toMatchObject({ code: 'NOT_ALLOWED' })
    await expect(pam.site.export(connection, 'Lead', listed(pam, 'Ada'))).rejects.toMatchObject({ code: 'NOT_ALLOWED' })

    await pia.site.export(connection, 'Lead', listed(pia, 'Ada'))
    await per.site.export(connection, 'Lead', listed(per, 'Bob'))
    await settle()
    for (const org of [paul, pia, per, pam])
      expect(['Ada', 'Bob', 'Cleo'].map((name) => copy(org, name) !== undefined)).toEqual([true, true, false])
    await pam.records.edit('Lead', copy(pam, 'Ada')?.id ?? '', { Status: 'Working - Contacted' })
    await settle()
    const [mirror] = vera.mirrors.of('Lead', copy(vera, 'Ada')?.id ?? '')
    expect(mirror?.fields.find(({ name }) => name === 'Status')?.value).toBe('Working - Contacted')
    // Who works decides nothing.
    for (const attempt of [
      pia.connections.invite('https://pine.example/'),
      pia.connections.disconnect(connection),
      pia.people.addUser('Max', 'member'),
    ])
      await expect(attempt).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    expect([vera, paul, pia, per, pam].flatMap(({ problems }) => problems)).toEqual([])
  })

  it('[PE1] the third, who has no seat, writes an export in Pia’s name: her device asks for what she asked for there, and no more (row 133)', async () => {
    const { vera, pia, pam, connection, listed, copy, settle } = await story()
    pia.sync.cut()
    const own = await pia.site.export(connection, 'Lead', listed(pia, 'Ada'))
    await pia.site.pause(own)
    await settle(pia)
    pia.sync.mend()
    await settle()
    pia.sync.cut()
    const forged = 'A'.repeat(22)
    const values = { connection, object: 'Lead', by: pia.user.id, startedAt: 1, requests: 1 }
    await pam.rows.save([
      { object: 'Export', id: forged, values },
      { object: 'ExportRequest', id: requestRowId(forged, 0), values: { by: pia.user.id, listings: listed(pam, 'Bob') } },
      { object: 'ExportRequest', id: requestRowId(own, 0), values: { listings: [...listed(pam, 'Ada'), ...listed(pam, 'Cleo')] } },
    ])
    await settle(pam)
    pia.sync.mend()
    await settle()
    await pia.site.resume(own)
    await settle()
    expect(['Ada', 'Bob', 'Cleo'].map((name) => copy(pia, name) !== undefined)).toEqual([true, false, false])
    expect(vera.site.jobs().map(({ total }) => total)).toEqual([1])
  })

  it('goes on at Pia’s second device with an export that she resumes there', async () => {
    const { vera, paul, pia, connection, listed, copy, openAnotherDevice, settle } = await story()
    const phone = await openAnotherDevice(paul, { userName: 'Pia', role: 'member' })
    await settle()
    vera.sync.cut()
    const job = await pia.site.export(connection, 'Lead', listed(pia, 'Ada'))
    await pia.site.pause(job)
    await settle(pia)
    await pia.close()
    await phone.site.resume(job)
    vera.sync.mend()
    await settle()
    expect(copy(phone, 'Ada')).toBeDefined()
  })

  it('one is revoked while its export runs: what is not imported yet stops, and the seat is free', async () => {
    const { vera, per, pam, connection, listed, copy, settle } = await story()
    vera.sync.cut()
    const job = await per.site.export(connection, 'Lead', listed(per, 'Cleo'))
    await settle(per)
    await vera.people.revoke(connection, per.user.id)
    await vera.people.grant(connection, pam.user.id)
    vera.sync.mend()
    await settle()
    expect(copy(per, 'Cleo')).toBeUndefined()
    expect(per.site.jobs().find(({ id }) => id === job)).toMatchObject({ imported: 0, failed: 1 })
    expect(per.site.obstacle(connection, 'Lead')).toMatchObject({ code: 'NOT_ALLOWED' })
    await pam.site.export(connection, 'Lead', listed(pam, 'Cleo'))
    await settle()
    expect(copy(per, 'Cleo')).toBeDefined()
  })
})
