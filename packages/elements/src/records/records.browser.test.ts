import { beforeEach, describe, expect, it } from 'vitest'
import '../define.js'
import { fakeEngine } from '../testing/fake-engine.js'
import { connected, opportunities, opportunity } from '../testing/scenes.js'
import { accessibilityProblems, button, drawn, find, mount, textOf } from '../testing/mount.js'
import type { EntenteRecords } from './records.js'

const rowsOf = (list: EntenteRecords): HTMLElement[] => [...(list.shadowRoot?.querySelectorAll<HTMLElement>('.body .line') ?? [])]
const press = (target: Element, key: string, more: KeyboardEventInit = {}): boolean =>
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, composed: true, cancelable: true, ...more }))
const heard: unknown[] = []

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
