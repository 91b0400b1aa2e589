import type { ConnectionId } from '@entente/protocol'
import { describe, expect, it, vi } from 'vitest'
import { isDeleted } from '../records/records.js'
import { textOf } from '../replica/feed-role.js'
import { lead, MemoryStore, type MemoryOrg, setup } from '../testing/index.js'

// Requests are of 50, so these stories need more records than others.
vi.setConfig({ testTimeout: 60_000 })

const copies = (org: MemoryOrg): string[] =>
  [...org.rows.list('Lead').values()].flatMap((row) => (isDeleted(row) ? [] : (textOf(row, 'LastName') ?? ''))).toSorted()
const listed = (paul: MemoryOrg, connection: ConnectionId): string[] =>
  paul.site.listings(connection, 'Lead', { sort: [{ field: 'LastName', direction: 'ascending' }] }).listings.map(({ id }) => id)
const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `Name${String(index).padStart(4, '0')}`)
const jobOf = (org: MemoryOrg) => org.site.jobs()[0]

/** Vera shares so many leads; Paul sees them. */
async function shared(count: number) {
  const story = await setup({ upTo: 'shared' })
  await story.finish(
    story.vera.records.createMany(
      'Lead',
      names(count).map((name) => lead(name)),
    ),
  )
  await story.settle()
  return story
}

describe('an export of many records', () => {
  it('is seen by both: who asked, when, and how many are sent and imported', async () => {
    const { vera, paul, settle, exportListed } = await shared(60)
    await exportListed()
    await settle()
    const counts = { total: 60, exported: 60, imported: 60, partial: 0, skipped: 0, failed: 0, cancelled: 0, state: 'done', done: true }
    expect(jobOf(paul)).toMatchObject({ ...counts, side: 'partner', by: paul.user.id })
    expect(jobOf(vera)).toMatchObject({ ...counts, side: 'vendor', by: paul.user.id })
    expect(jobOf(vera)?.startedAt).toBeGreaterThan(0)
    expect(jobOf(paul)?.perSecond).toBeGreaterThan(0)
    await expect(vera.site.pause(jobOf(vera)?.id ?? '')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
  })

  it('[EX6] waits while it is paused, over a reload too, and goes on where it was', async () => {
    const { vera, paul, settle, exportListed, reload } = await shared(120)
    vera.sync.cut()
    const id = await exportListed()
    await settle(paul)
    const requests = (org: MemoryOrg) =>
      [...org.rows.list('Message').values()].filter((row) => row.id.includes('#q.') && row.registers['body']?.[1] !== null)
    expect(requests(paul)).toHaveLength(3)
    await paul.site.pause(id)
    await settle(paul)
    expect(requests(paul)).toHaveLength(0)
    vera.sync.mend()
    await settle()
    expect(vera.site.jobs()).toEqual([])
    const again = await reload(paul)
    await settle()
    expect(jobOf(again)).toMatchObject({ state: 'paused', done: false, imported: 0 })
    await again.site.resume(id)
    await settle()
    expect(jobOf(again)).toMatchObject({ state: 'done', imported: 120 })
    expect(copies(again)).toHaveLength(120)
  })

  it('[EX6] that is cancelled imports nothing more, also of what had left, and the records can be exported again', async () => {
    const { vera, paul, connection, settle, until, exportListed } = await shared(120)
    const id = await exportListed()
    // Paul's line breaks as soon as the first package has come, and mends once Vera has packed the rest.
    await until('some are there', () => (jobOf(paul)?.imported ?? 0) > 0)
    const imported = jobOf(paul)?.imported ?? 0
    await paul.site.cancel(id)
    await settle()
    expect(imported).toBeLessThan(120)
    expect(copies(paul)).toHaveLength(imported)
    expect(jobOf(paul)).toMatchObject({ state: 'done', imported, cancelled: 120 - imported, failed: 0 })
    expect(jobOf(vera)).toMatchObject({ done: true, imported, failed: 0 })
    // What was cancelled did not fail, wherever it was then: nobody asks for it any more.
    const statuses = paul.site.listings(connection, 'Lead').listings.map(({ status }) => status)
    expect([undefined, 'ExportSuccess'].map((status) => statuses.filter((each) => each === status).length)).toEqual([
      120 - imported,
      imported,
    ])
    await paul.site.export(connection, 'Lead', listed(paul, connection))
    await settle()
    expect(copies(paul)).toEqual(names(120))
    expect(jobOf(paul)).toMatchObject({ imported: 120 - imported, skipped: imported })
  })

  it('leaves out a record that vanished, says so, and exports all others', async () => {
    const { vera, paul, connection, settle } = await shared(3)
    const chosen = listed(paul, connection)
    await vera.records.edit('Lead', vera.sharing.visible(connection, 'Lead')[0] ?? '', { Company: 'Other' })
    await settle()
    const id = await paul.site.export(connection, 'Lead', chosen)
    await settle()
    expect(jobOf(paul)).toMatchObject({ total: 3, imported: 2, failed: 1, done: true })
    expect(paul.site.errors(id)).toMatchObject([{ name: 'Name0000', rule: 'sharing', message: 'The record is not on the site any more.' }])
    await expect(
      paul.site.export(connection, 'Lead', [chosen.find((each) => !listed(paul, connection).includes(each)) ?? '']),
    ).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
  })
})

describe('what fails', () => {
  /** Paul takes names of at most ten characters, and cannot do without a phone number. */
  async function strict() {
    const story = await setup({ upTo: 'shared' })
    const { vera, paul, connection, settle, agree } = story
    const schema = paul.records.schema('Lead')
    await paul.records.setSchema({
      ...schema,
      fields: schema.fields.map((field) => (field.name === 'LastName' ? { ...field, length: 10 } : field)),
    })
    await agree()
    for (const name of ['Ada', '=Featherstonehaugh', 'Cholmondeley']) await vera.records.create('Lead', lead(name))
    await settle()
    const id = await paul.site.export(connection, 'Lead', listed(paul, connection))
    await settle()
    return { ...story, id }
  }

  it('[EX7] names record, field, value, rule and fix, on the screen and in a file without formulas', async () => {
    const { vera, paul, id } = await strict()
    expect(jobOf(paul)).toMatchObject({ imported: 1, failed: 2 })
    const errors = [
      { name: '=Featherstonehaugh', label: 'Last Name', value: '=Featherstonehaugh', rule: 'length' },
      { name: 'Cholmondeley' },
    ]
    expect(paul.site.errors(id).toSorted((a, b) => (a.name < b.name ? -1 : 1))).toMatchObject(errors)
    expect(vera.site.errors(jobOf(vera)?.id ?? '').toSorted((a, b) => (a.name < b.name ? -1 : 1))).toMatchObject(errors)
    const file = paul.site.errorFile(id)
    expect(file).toContain('Record,Field,Value,Rule,What happened,What to do')
    expect(file).toContain("'=Featherstonehaugh,Last Name,'=Featherstonehaugh,length,")
  })

  it('[EX7] keeps its name at Paul after its listing has gone, over a reload too, and at Vera after she deleted the record', async () => {
    const { vera, paul, id, settle, reload } = await strict()
    const [record] = vera.records.list('Lead').records.filter(({ values }) => values['LastName'] === 'Cholmondeley')
    await vera.records.remove('Lead', record?.id ?? '')
    await settle()
    const again = await reload(paul)
    const [errors, hers] = [again.site.errors(id), vera.site.errors(jobOf(vera)?.id ?? '')]
    for (const all of [errors, hers]) expect(all.map(({ name }) => name).toSorted()).toEqual(['=Featherstonehaugh', 'Cholmondeley'])
    expect(again.site.errorFile(id)).toContain('Cholmondeley')
    // The value was in the listing, and went with it.
    expect(errors.find(({ name }) => name === 'Cholmondeley')?.value).toBeNull()
  })

  it('is asked for again alone, with a value that a person gave instead', async () => {
    const { vera, paul, id, settle } = await strict()
    const [first] = paul.site.errors(id).filter(({ name }) => name === 'Cholmondeley')
    const correction = (value: unknown) => ({ [first?.listing ?? '']: { LastName: value, Status: 'Working - Contacted' } })
    await expect(paul.site.retry(id, correction('Much too long a name'))).rejects.toMatchObject({
      code: 'INVALID',
      details: [{ field: 'LastName' }],
    })
    expect(await paul.site.retry(id, correction('Chumley'))).toBe(id)
    await settle()
    expect(copies(paul)).toEqual(['Ada', 'Chumley'])
    expect(jobOf(paul)).toMatchObject({ total: 3, imported: 2, failed: 1, done: true })
    expect(jobOf(vera)).toMatchObject({ total: 3, imported: 2, failed: 1, done: true })
    // What Paul typed is an edit of his copy: Vera sees it in her mirror, and no recall takes it away.
    const [hers] = vera.records.list('Lead', { search: 'Cholmondeley' }).records
    const [mirror] = vera.mirrors.of('Lead', hers?.id ?? '')
    expect(mirror?.fields.find(({ name }) => name === 'Status')?.value).toBe('Working - Contacted')
    const [his] = paul.records.list('Lead', { search: 'Chumley' }).records
    expect(paul.records.shares('Lead', his?.id ?? '')[0]?.outbound).toMatch(/^Update(InProgress|Success)$/)
    await vera.site.recall(jobOf(vera)?.id ?? '', [hers?.id ?? ''])
    await settle()
    expect(vera.site.recalls(jobOf(vera)?.id ?? '')).toMatchObject([{ outcome: 'edited' }])
    expect(copies(paul)).toContain('Chumley')
    expect(paul.site.errors(id).map(({ name }) => name)).toEqual(['=Featherstonehaugh'])
    expect(vera.site.errors(jobOf(vera)?.id ?? '')).toHaveLength(1)
    await paul.site.retry(id)
    await settle()
    expect(jobOf(paul)).toMatchObject({ total: 3, imported: 2, failed: 1, done: true })
  })
})

describe('a grant', () => {
  it('[PE4] for leads is none for opportunities, and one that has run out is none at all', async () => {
    const { vera, paul, connection, settle, pass, clock, exportListed } = await shared(3)
    await vera.people.grant(connection, paul.user.id, { objects: ['Opportunity'] })
    await settle()
    expect(paul.site.obstacle(connection, 'Lead')).toMatchObject({ code: 'NOT_ALLOWED', message: expect.stringContaining('not for leads') })
    expect(paul.site.obstacle(connection, 'Opportunity')).toBeUndefined()
    await expect(exportListed()).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await expect(vera.people.grant(connection, paul.user.id, { until: clock.now() - 1 })).rejects.toMatchObject({ code: 'INVALID' })
    await vera.people.grant(connection, paul.user.id, { until: clock.now() + 2_000 })
    await settle()
    expect(paul.people.list(connection)).toMatchObject([{ granted: true, seated: true, objects: ['Lead', 'Opportunity'] }])
    expect(paul.site.obstacle(connection, 'Lead')).toBeUndefined()
    await pass(2_100)
    expect(paul.site.obstacle(connection, 'Lead')?.message).toContain('run out')
    for (const org of [vera, paul]) expect(org.people.seats(connection).used).toBe(0)
  })

  it('beyond the seats is refused with the names of those who have them', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'verified' })
    await paul.people.addUser('Pia', 'member')
    await vera.people.setSeats(connection, 1)
    await settle()
    const pia = vera.people.list(connection).find(({ name }) => name === 'Pia')?.id ?? ''
    await expect(vera.people.grant(connection, pia)).rejects.toMatchObject({
      code: 'TOO_MANY',
      message: expect.stringContaining('Paul has it'),
    })
  })

  it.each(['revoked', 'run out'] as const)('[EX4, PE4] that is %s while an export runs stops what has not been imported', async (how) => {
    const { vera, paul, connection, settle, until, pass, clock, exportListed } = await shared(120)
    if (how === 'run out') await vera.people.grant(connection, paul.user.id, { until: clock.now() + 2_000 })
    await settle()
    const packed = until('Vera has packed some', () => (jobOf(vera)?.exported ?? 0) > 0)
    await exportListed()
    await packed
    paul.sync.cut()
    await settle(vera)
    if (how === 'revoked') await vera.people.revoke(connection, paul.user.id)
    else await pass(2_100)
    await settle(vera)
    paul.sync.mend()
    await settle()
    const imported = jobOf(paul)?.imported ?? 0
    expect(imported).toBeLessThan(120)
    expect(copies(paul)).toHaveLength(imported)
    expect(new Set(paul.site.errors(jobOf(paul)?.id ?? '').map(({ rule }) => rule))).toEqual(new Set(['NOT_ALLOWED']))
    // What Paul has not asked for yet waits, and says why.
    expect((jobOf(paul)?.failed ?? 0) + imported).toBe(120)
    expect(jobOf(vera)).toMatchObject({ imported, failed: 120 - imported })
  })
})

describe('a recall', () => {
  it('[RE1, RE2] deletes the copies that nobody has edited, and says why the others stay', async () => {
    const { vera, paul, settle, exportListed } = await shared(3)
    await exportListed()
    await settle()
    const [edited] = paul.records.list('Lead').records.filter(({ values }) => values['LastName'] === 'Name0001')
    await paul.records.edit('Lead', edited?.id ?? '', { Status: 'Working - Contacted' })
    await settle()
    const id = jobOf(vera)?.id ?? ''
    await vera.site.recall(id)
    await settle()
    expect(copies(paul)).toEqual(['Name0001'])
    for (const org of [vera, paul]) {
      expect(jobOf(org)?.recall).toEqual({ asked: 0, deleted: 2, kept: 1 })
      expect(
        org.site
          .recalls(jobOf(org)?.id ?? '')
          .map(({ outcome }) => outcome)
          .toSorted(),
      ).toEqual(['deleted', 'deleted', 'edited'])
    }
    expect(vera.site.recalls(id).find(({ outcome }) => outcome === 'edited')?.name).toBe('Name0001')
    const left = (org: MemoryOrg) =>
      [...org.rows.list('Message').values()].filter((row) => /#recall/.test(row.id) && row.registers['body']?.[1] !== null)
    expect([left(vera), left(paul)]).toEqual([[], []])
    const shares = vera.records.list('Lead').records.map((record) => vera.records.shares('Lead', record.id)[0]?.on)
    expect(shares.filter((on) => on)).toHaveLength(1)
    await expect(paul.site.recall(jobOf(paul)?.id ?? '')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
  })

  it('[EX4, RE1] takes back what is not imported yet', async () => {
    const { vera, paul, settle, until, exportListed } = await shared(2)
    await exportListed()
    await until('Vera has packed both', () => (jobOf(vera)?.exported ?? 0) === 2)
    paul.sync.cut()
    await vera.site.recall(jobOf(vera)?.id ?? '')
    await settle(vera)
    paul.sync.mend()
    await settle()
    expect(copies(paul)).toEqual([])
    expect(jobOf(vera)).toMatchObject({ failed: 2, recall: { asked: 0, deleted: 2, kept: 0 } })
    expect(paul.site.errors(jobOf(paul)?.id ?? '')).toMatchObject([{ rule: 'recall' }, { rule: 'recall' }])
  })
})

describe('a crash', () => {
  it('[EX6, IM3] of Paul at any transaction of an export with pause, resume and retry leaves one copy of each record', async () => {
    for (let crashAt = 1, crashed = true; crashed; crashAt++) {
      let [commits, isDown] = [0, false]
      let at = Number.POSITIVE_INFINITY
      const store = new MemoryStore({
        beforeCommit: () => {
          if (++commits >= at) isDown = true
          if (isDown) throw new Error('The power went out.')
        },
      })
      const { vera, paul, connection, settle, until, reload, network } = await setup({ upTo: 'shared', paul: { store } })
      for (const name of ['Ada', 'Bob']) await vera.records.create('Lead', lead(name))
      await settle()
      const chosen = listed(paul, connection)
      let org = paul
      ;[commits, at, crashed] = [0, crashAt, false]
      const steps: (() => Promise<unknown>)[] = [
        () => org.site.export(connection, 'Lead', chosen),
        () => org.site.pause(jobOf(org)?.id ?? ''),
        () => org.site.resume(jobOf(org)?.id ?? ''),
      ]
      for (const step of steps) {
        for (let tries = 0; tries < 3; tries++) {
          try {
            if (step !== steps[0] || org.site.jobs().length === 0) await step()
            await until('rest or a crash', () => isDown || network.isAtRest())
          } catch (error) {
            if (!isDown) throw error
          }
          if (!isDown) break
          ;[crashed, isDown, at] = [true, false, Number.POSITIVE_INFINITY]
          org = await reload(org)
        }
      }
      await settle()
      expect([crashAt, copies(org)]).toEqual([crashAt, ['Ada', 'Bob']])
      expect(jobOf(org)).toMatchObject({ total: 2, imported: 2, state: 'done' })
      expect(jobOf(vera)).toMatchObject({ total: 2, imported: 2, state: 'done' })
    }
  })
})
