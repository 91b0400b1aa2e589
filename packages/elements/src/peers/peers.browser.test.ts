import type { ChangeView, DifferenceView } from '@entente/engine'
import { describe, expect, it } from 'vitest'
import '../define.js'
import { fakeEngine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, find, mount, textOf } from '../testing/mount.js'
import { connected, connectionId, field, opportunities, opportunity } from '../testing/scenes.js'

const about = (record: string) => ({
  share: `map-${record}`,
  connection: connectionId,
  peerName: 'Tessaly & Brook',
  object: 'Opportunity' as const,
  record,
})

const change = (record: string, part: Partial<ChangeView> = {}): ChangeView => ({
  id: `${record}:StageName:1`,
  ...about(record),
  what: 'field',
  field: field('StageName'),
  from: 'Qualification',
  to: 'Closed Won',
  at: Date.now() - 60_000,
  ...part,
})

const difference = (record: string, part: Partial<DifferenceView> = {}): DifferenceView => ({
  id: `${record}:StageName`,
  ...about(record),
  own: field('StageName'),
  ours: 'Qualification',
  peer: field('StageName'),
  theirs: 'Closed Won',
  at: Date.now() - 60_000,
  stake: { amount: '1250.00', currency: 'EUR' },
  ...part,
})

const scene = { records: [opportunity('a'), opportunity('b')], connections: [connected()] }
const lines = (element: Element): readonly string[] =>
  [...(element.shadowRoot?.querySelectorAll('.body .line') ?? [])].map((line) =>
    [...line.children].map((cell) => cell.textContent?.replace(/\s+/g, ' ').trim()).join(' '),
  )

describe('what changed at the peers', () => {
  it('says what was there before and what is now, and opens the record, which is seen then', async () => {
    const changes = [change('a'), change('a', { id: 'a:NextStep:1', field: field('NextStep'), from: undefined, to: 'Call' }), change('b')]
    const engine = fakeEngine({ ...scene, changes })
    const list = await mount('entente-changes', { engine })
    expect(lines(list)[0]).toContain('Deal a Stage Qualification Closed Won Tessaly & Brook 1 minute ago')
    expect(lines(list)[1]).toContain('not known')
    expect(textOf(list)).toContain('3 changes in 2 records')
    expect(await accessibilityProblems()).toEqual([])
    const opened: unknown[] = []
    list.addEventListener('entente-open', (event) => opened.push((event as CustomEvent).detail))
    find(list, '.body .line').click()
    await drawn(list)
    expect(opened).toEqual([{ object: 'Opportunity', id: 'a' }])
    expect(engine.calls).toEqual([['markSeen', ['a:StageName:1', 'a:NextStep:1']]])
    expect(textOf(list)).toContain('1 change in 1 record')
    button(list, 'Mark all as seen').click()
    await drawn(list)
    expect(textOf(list)).toContain('Nothing new')
  })

  it('is filtered by field, and marks only what it shows', async () => {
    const engine = fakeEngine({
      ...scene,
      changes: [change('a'), change('b', { id: 'b:NextStep:1', field: field('NextStep'), to: 'Call' })],
    })
    const list = await mount('entente-changes', { engine, field: 'NextStep' })
    expect(lines(list)).toHaveLength(1)
    button(list, 'Mark all as seen').click()
    await drawn(list)
    expect(engine.calls).toEqual([['markSeen', ['b:NextStep:1']]])
    expect(textOf(list)).toContain('Nothing matches')
    button(list, 'Clear the filter').click()
    await drawn(list)
    expect(lines(list)).toHaveLength(1)
  })

  it('says what came to an end, and gives a file of the lines', async () => {
    const ended = change('a', { what: 'ended', field: undefined, from: undefined, to: false, at: Date.UTC(2027, 0, 15) })
    const list = await mount('entente-changes', { engine: fakeEngine({ ...scene, changes: [ended, change('b')] }) })
    expect(lines(list)[0]).toContain('No longer shared')
    expect(list.shown.rows[0]).toMatchObject({ Record: 'Deal a', Field: 'No longer shared', Changed: '2027-01-15T00:00:00.000Z' })
    expect(list.shown.rows[1]).toMatchObject({ Before: 'Qualification', Now: 'Closed Won' })
  })

  it('draws a few of ten thousand lines, and moves by the keyboard', async () => {
    const records = opportunities(10_000)
    const list = await mount('entente-changes', { engine: fakeEngine({ ...scene, records, changes: records.map(({ id }) => change(id)) }) })
    list.style.height = '400px'
    await drawn(list)
    expect(lines(list).length).toBeLessThan(60)
    find(list, '.body .line').focus()
    find(list, '.body .line').dispatchEvent(new KeyboardEvent('keydown', { key: 'End', bubbles: true }))
    await drawn(list)
    expect(list.shadowRoot?.activeElement?.textContent).toContain('Deal 09999')
  })
})

describe('where two orgs differ', () => {
  it('shows ours and theirs with what is at stake, currency by currency', async () => {
    const differences = [difference('a'), difference('b', { stake: { amount: '99', currency: 'JPY' } })]
    const stakes = [
      { currency: 'EUR', amount: '1250.00', records: 1 },
      { currency: 'JPY', amount: '99', records: 1 },
    ]
    const list = await mount('entente-differences', { engine: fakeEngine({ ...scene, differences, stakes }) })
    expect(lines(list)[0]).toContain('Deal a Stage Qualification Closed Won €1,250 Tessaly & Brook')
    expect(await accessibilityProblems()).toEqual([])
    button(list, 'JP¥99').click()
    await drawn(list)
    expect(lines(list)).toHaveLength(1)
    expect(list.stake).toEqual({ currency: 'JPY' })
    const least = find<HTMLInputElement>(list, '.stakes input')
    least.value = '1,000'
    least.dispatchEvent(new Event('change'))
    expect(list.stake).toEqual({ currency: 'JPY', least: '1000' })
    expect(list.shown.rows[0]).toMatchObject({ Ours: 'Qualification', Theirs: 'Closed Won', Amount: '99', Currency: 'JPY' })
  })

  it('says that there is none, and that it is still comparing', async () => {
    const engine = fakeEngine(scene)
    const list = await mount('entente-differences', { engine })
    expect(textOf(list)).toContain('No differences')
    expect(await accessibilityProblems()).toEqual([])
    engine.change({ pending: 9_000 }, 'differences')
    await drawn(list)
    expect(textOf(list)).toContain('Comparing')
    expect(textOf(list)).toContain('9,000 still to compare')
  })
})
