import { beforeEach, describe, expect, it, vi } from 'vitest'
import '../define.js'
import { fakeEngine } from '../testing/fake-engine.js'
import { connected, connectionId, opportunities, opportunity, share } from '../testing/scenes.js'
import { accessibilityProblems, button, drawn, find, mount, textOf } from '../testing/mount.js'
import type { ListState } from './list-state.js'
import type { EntenteRecords } from './records.js'

const rowsOf = (list: EntenteRecords): HTMLElement[] => [...(list.shadowRoot?.querySelectorAll<HTMLElement>('.body .line') ?? [])]
const press = (target: Element, key: string, more: KeyboardEventInit = {}): boolean =>
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, composed: true, cancelable: true, ...more }))
const heard: unknown[] = []
const names = (list: EntenteRecords): string[] => rowsOf(list).map((row) => row.querySelector('.name')?.textContent?.trim() ?? '')

async function list(count: number, properties: Partial<EntenteRecords> = {}): Promise<EntenteRecords> {
  const element = await mount('entente-records', {
    engine: fakeEngine({ records: opportunities(count), connections: [connected()] }),
    ...properties,
  })
  element.style.height = '500px'
  heard.length = 0
  element.addEventListener('entente-selection', (event) => heard.push((event as CustomEvent).detail))
  element.addEventListener('entente-open', (event) => heard.push((event as CustomEvent).detail))
  await drawn(element)
  return element
}

describe('the list of Vera’s opportunities', () => {
  beforeEach(() => document.body.replaceChildren())

  it('keeps a page small with 10,000 records, and says how many there are', async () => {
    const element = await list(10_000)
    expect(rowsOf(element).length).toBeLessThan(60)
    expect(find(element, '[role=grid]').getAttribute('aria-rowcount')).toBe('10001')
    expect(textOf(element)).toContain('10,000')
    find(element, '.grid').scrollTop = 200_000
    await new Promise((resolve) => setTimeout(resolve, 60))
    await drawn(element)
    const indexes = rowsOf(element).map((row) => Number(row.getAttribute('aria-rowindex')))
    expect(indexes).toContain(5_010)
    expect(indexes).toContain(2) // the row with the focus stays
  })

  it('moves by arrows, opens by Enter, and keeps one row in the tab order', async () => {
    const element = await list(50)
    rowsOf(element)[0]?.focus()
    press(rowsOf(element)[0] ?? element, 'ArrowDown')
    await drawn(element)
    expect(element.shadowRoot?.activeElement?.getAttribute('data-index')).toBe('1')
    expect(rowsOf(element).filter((row) => row.tabIndex === 0)).toHaveLength(1)
    press(element.shadowRoot?.activeElement ?? element, 'Enter')
    expect(heard).toEqual([{ object: 'Opportunity', id: '00001' }])
    press(element.shadowRoot?.activeElement ?? element, 'End')
    await drawn(element)
    expect(element.shadowRoot?.activeElement?.getAttribute('data-index')).toBe('49')
  })

  it('chooses by Space, ranges by Shift, and all by Ctrl+A', async () => {
    const element = await list(20, { selectable: true })
    const at = (): Element => element.shadowRoot?.activeElement ?? element
    rowsOf(element)[2]?.focus()
    rowsOf(element)[2]?.click()
    heard.length = 0
    await drawn(element)
    rowsOf(element)[2]?.focus()
    press(at(), ' ')
    press(at(), 'ArrowDown', { shiftKey: true })
    await drawn(element)
    press(at(), 'ArrowDown', { shiftKey: true })
    await drawn(element)
    expect(element.selected).toEqual(['00002', '00003', '00004'])
    rowsOf(element)[7]?.dispatchEvent(new MouseEvent('click', { shiftKey: true, bubbles: true }))
    expect(element.selected).toHaveLength(6)
    press(at(), 'a', { ctrlKey: true })
    expect(element.selected).toHaveLength(20)
  })

  it('filters by conditions: one that is still being written hides nothing, a whole one does', async () => {
    const element = await list(100)
    const count = (): number => Number(textOf(element).match(/(\d+) of 100/)?.[1] ?? 100)
    button(element, 'Add a condition').click()
    await drawn(element)
    expect(count()).toBe(100)
    element.conditions = [{ field: 'Name', operator: 'contains', value: '00012' }]
    await drawn(element)
    expect(count()).toBe(1)
    element.conditions = [{ field: 'Name', operator: 'isEmpty', value: null }]
    await drawn(element)
    button(element, 'Clear the filter').click()
    await drawn(element)
    expect(element.conditions).toEqual([])
    expect(await accessibilityProblems()).toEqual([])
  })

  it('filters over all records, and offers the way back from an empty result', async () => {
    const element = await list(300)
    element.filter = '00123'
    await drawn(element)
    expect(rowsOf(element)).toHaveLength(1)
    element.filter = 'nothing like this'
    await drawn(element)
    expect(textOf(element)).toContain('Nothing matches')
    button(element, 'Clear the filter').click()
    await drawn(element)
    expect(textOf(element)).toContain('300')
  })

  it('sorts by a column, and back', async () => {
    const element = await list(30)
    button(element, 'Opportunity Name').click()
    await drawn(element)
    expect(find(element, '[aria-sort=ascending]').textContent).toContain('Opportunity Name')
    button(element, 'Opportunity Name').click()
    await drawn(element)
    expect(rowsOf(element)[0]?.textContent).toContain('Deal 00029')
  })

  it('tells where it stands, and a list that is given the same shows the same', async () => {
    const told: ListState[] = []
    const engine = fakeEngine({ records: opportunities(300), connections: [connected()] })
    const element = await mount('entente-records', { engine, selectable: true })
    element.style.height = '500px'
    element.addEventListener('entente-list', (event) => told.push((event as CustomEvent).detail.list))
    expect(told).toEqual([])
    element.filter = 'deal'
    button(element, 'Opportunity Name').click()
    await drawn(element)
    button(element, 'Opportunity Name').click()
    await drawn(element)
    find(element, '.grid').scrollTop = 4_000
    await expect.poll(() => told.at(-1)?.top).toBe(100)
    rowsOf(element)[10]?.querySelector('input')?.click()
    await drawn(element)
    const seen = names(element)
    const list = told.at(-1)
    expect(list).toMatchObject({ filter: 'deal', sort: [{ field: 'Name', direction: 'descending' }], top: 100 })
    expect(list?.selected).toEqual(element.selected)

    const again = await mount('entente-records', { engine, selectable: true })
    again.style.height = '500px'
    again.addEventListener('entente-list', (event) => told.push((event as CustomEvent).detail.list))
    Object.assign(again, list)
    await drawn(again)
    expect(find(again, '.grid').scrollTop).toBe(4_000)
    expect(names(again).filter((name) => seen.includes(name)).length).toBeGreaterThan(10)
    expect(again.selected).toEqual(element.selected)
    expect(rowsOf(again).find((row) => row.tabIndex === 0)?.textContent).toContain(`Deal ${list?.row}`)

    // As the host gives it that comes back from a record: from the first moment on.
    const back = await mount('entente-records', { engine, selectable: true, ...(list as Partial<EntenteRecords>) })
    expect(back.shadowRoot?.activeElement?.textContent).toContain(`Deal ${list?.row}`)
  })

  it('comes back far down, to the row that was left, also where that is out of sight', async () => {
    const engine = fakeEngine({ records: opportunities(5_000), connections: [connected()] })
    const style = 'height: 500px' as unknown as CSSStyleDeclaration
    for (const row of ['03010', '03900', '00004']) {
      const element = await mount('entente-records', { engine, style, top: 3_000, row })
      const seen = (): readonly unknown[] => [
        find(element, '.grid').scrollTop,
        element.shadowRoot?.activeElement?.querySelector('.name')?.textContent?.trim(),
      ]
      expect(seen()).toEqual([120_000, `Deal ${row}`])
      await expect.poll(() => rowsOf(element).length).toBeGreaterThan(25)
      expect(seen()).toEqual([120_000, `Deal ${row}`])
      expect(names(element)).toContain('Deal 03005')
    }
  })

  it('stays where it stands when it is put elsewhere in the page', async () => {
    const element = await list(5_000)
    find(element, '.grid').scrollTop = 120_000
    await expect.poll(() => element.top).toBe(3_000)
    const elsewhere = document.createElement('section')
    document.body.append(elsewhere)
    elsewhere.append(element)
    await drawn(element)
    await drawn(element)
    expect([find(element, '.grid').scrollTop, names(element).includes('Deal 03005')]).toEqual([120_000, true])
    // It tells its host where it stands after each move.
    find(element, '.grid').scrollTop = 120_400
    await expect.poll(() => element.top).toBe(3_010)
  })

  it('says “all” where all that the filter shows is selected, and takes it back', async () => {
    const told: ListState[] = []
    const element = await list(40, { selectable: true })
    element.addEventListener('entente-list', (event) => told.push((event as CustomEvent).detail.list))
    element.filter = '0001'
    await drawn(element)
    rowsOf(element)[0]?.focus()
    press(element.shadowRoot?.activeElement ?? element, 'a', { ctrlKey: true })
    await drawn(element)
    expect(told.at(-1)?.selected).toBe('all')
    const again = await list(40, { selectable: true, filter: '0001', selected: 'all' as never })
    expect(again.selected).toHaveLength(11)
    expect(textOf(again)).toContain('11 chosen')
  })

  it('filters by whom records are shared with, by what is exported, and by one export', async () => {
    const other = 'DDDDDDDDDDDDDDDDDDDDDD' as typeof connectionId
    const engine = fakeEngine({
      records: opportunities(10),
      connections: [connected(), connected({ id: other, peerName: 'Ostrava Pumps', side: 'partner' })],
      sharedOver: { [connectionId]: ['00001'], [other]: ['00002', '00003'] },
      visible: ['00001', '00005'],
      copies: ['00003'],
    })
    const element = await mount('entente-records', { engine })
    const shown = async (properties: Partial<EntenteRecords>): Promise<string[]> => {
      Object.assign(element, { only: 'all', sharedWith: undefined, job: undefined, ...properties })
      await drawn(element)
      return names(element).map((name) => name.slice(-1))
    }
    expect(await shown({ only: 'exported' })).toEqual(['1', '2', '3'])
    expect(await shown({ only: 'new' })).toHaveLength(7)
    expect(await shown({ sharedWith: connectionId })).toEqual(['1', '5'])
    expect(await shown({ sharedWith: connectionId, only: 'exported' })).toEqual(['1'])
    expect(await shown({ sharedWith: connectionId, only: 'new' })).toEqual(['5'])
    expect(await shown({ sharedWith: other })).toEqual(['2', '3'])
    expect(await shown({ job: 'job' })).toEqual(['3'])
    expect(textOf(element)).toContain('Copies of one export')
    button(element, '✕').click()
    await drawn(element)
    expect(names(element)).toHaveLength(10)
    const choice = find<HTMLSelectElement>(element, 'select[aria-label="Shared with"]')
    choice.value = other
    choice.dispatchEvent(new Event('change'))
    await drawn(element)
    expect(names(element)).toHaveLength(2)
    expect(await accessibilityProblems()).toEqual([])
  })

  it('shows of each row how far the latest edit has come', async () => {
    const engine = fakeEngine({ records: opportunities(2), connections: [connected()], shares: [share()] })
    const element = await mount('entente-records', { engine, columns: ['Name'] })
    expect(textOf(element)).toContain('✓✓✓ Tessaly & Brook')
    const why = { what: 'deleted', by: 'peer', at: undefined } as const
    engine.change({ shares: [share({ state: 'ended', why, receipt: undefined })] }, 'mirrors')
    await drawn(element)
    expect(textOf(element)).toContain('Deleted: Tessaly & Brook')
    expect(await accessibilityProblems()).toEqual([])
  })

  it('shows that of a long list a few times a second, however often it is told', async () => {
    const engine = fakeEngine({ records: opportunities(600), connections: [connected()], shares: [share()] })
    const element = await mount('entente-records', { engine, columns: ['Name'] })
    expect(textOf(element)).toContain('✓✓✓ Tessaly & Brook')
    const why = { what: 'deleted', by: 'peer', at: undefined } as const
    engine.change({ shares: [share({ state: 'ended', why, receipt: undefined })] }, 'mirrors')
    await drawn(element)
    expect(textOf(element)).toContain('✓✓✓ Tessaly & Brook')
    await vi.waitFor(() => expect(textOf(element)).toContain('Deleted: Tessaly & Brook'), 2_000)
  })

  it('gives what a person sees, for a file: the filtered rows in their order, and the column about sharing', async () => {
    const engine = fakeEngine({ records: opportunities(30), connections: [connected()], sharedOver: { [connectionId]: ['00012'] } })
    const element = await mount('entente-records', {
      engine,
      filter: '0001',
      sort: [{ field: 'Name', direction: 'descending' }],
      columns: ['Name'],
    })
    const { fields, rows } = element.shown
    expect(fields.map(({ label }) => label)).toEqual(['Opportunity Name', 'Shared with'])
    expect(rows).toHaveLength(11)
    expect(rows[7]).toMatchObject({ Name: 'Deal 00012', SharedWith: 'Tessaly & Brook' })
  })

  it('opens the own copy of a listing that was exported, and selects one that was not', async () => {
    const listing = (id: string, copy: string | undefined) => ({
      id,
      connection: connectionId,
      object: 'Opportunity' as const,
      values: { Name: `Deal ${id}` },
      changedAt: 1,
      copy,
      status: undefined,
    })
    const engine = fakeEngine({ listings: [listing('a', 'copy-a'), listing('b', undefined)], connections: [connected()] })
    const element = await mount('entente-records', { engine, source: 'listings', connection: connectionId, selectable: true })
    heard.length = 0
    element.addEventListener('entente-open', (event) => heard.push((event as CustomEvent).detail))
    rowsOf(element)[0]?.click()
    expect(heard).toEqual([{ object: 'Opportunity', id: 'copy-a' }])
    expect(element.selected).toEqual([])
    rowsOf(element)[0]?.querySelector('input')?.click()
    rowsOf(element)[1]?.click()
    expect(element.selected).toEqual(['a', 'b'])
    expect(heard).toHaveLength(1)
  })

  it('cuts no heading and no date beside an oversized name, and shows that it goes on at the side', async () => {
    const records = [
      opportunity('1', { Name: 'n'.repeat(100_000), CloseDate: '2027-09-30', Amount: { amount: '1234567.89', currency: 'EUR' } }),
    ]
    const element = await mount('entente-records', { engine: fakeEngine({ records, connections: [connected()] }) })
    element.style.width = '500px'
    await drawn(element)
    const cut = [...(element.shadowRoot?.querySelectorAll<HTMLElement>('.head > span, .head button, .body .line > span:not(.name)') ?? [])]
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
      .map(({ textContent }) => textContent)
    expect(cut).toEqual([])
    const frame = find(element, '.frame')
    await expect.poll(() => frame.hasAttribute('data-more-end')).toBe(true)
    expect(frame.hasAttribute('data-more-start')).toBe(false)
    rowsOf(element)[0]?.focus()
    for (let step = 0; step < 40; step++) press(rowsOf(element)[0] ?? element, 'ArrowRight')
    await expect.poll(() => [frame.hasAttribute('data-more-start'), frame.hasAttribute('data-more-end')]).toEqual([true, false])
  })

  it('shows hostile texts as texts (rows 63 to 66)', async () => {
    const hostile = [
      '<img src=x onerror="window.owned=1">',
      'javascript:alert(1)',
      'invoice\u202egnp.exe',
      'zero\u200bwidth',
      'n'.repeat(100_000),
    ]
    const engine = fakeEngine({ records: hostile.map((name, index) => opportunity(String(index), { Name: name })) })
    const element = await mount('entente-records', { engine })
    await drawn(element)
    expect(element.shadowRoot?.querySelector('img, a')).toBeNull()
    expect('owned' in window).toBe(false)
    expect(textOf(element)).toContain('<img src=x onerror="window.owned=1">')
    expect(textOf(element)).toContain('javascript:alert(1)')
    expect(textOf(element)).toContain('U+202E')
    expect(textOf(element)).toContain('U+200B')
    expect(textOf(element).length).toBeLessThan(4_000)
  })

  it('is accessible, filled and empty, in light and dark', async () => {
    await list(40, { selectable: true })
    expect(await accessibilityProblems()).toEqual([])
    await list(0)
    expect(await accessibilityProblems()).toEqual([])
  })
})

describe('the list on paper', () => {
  it('has all rows, and on the screen only those in sight', async () => {
    const element = await list(500)
    expect(rowsOf(element).length).toBeLessThan(60)
    dispatchEvent(new Event('beforeprint'))
    await drawn(element)
    expect(rowsOf(element)).toHaveLength(500)
    dispatchEvent(new Event('afterprint'))
    await drawn(element)
    expect(rowsOf(element).length).toBeLessThan(60)
  })
})
