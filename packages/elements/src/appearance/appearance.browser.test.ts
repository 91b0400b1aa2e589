import { EngineError } from '@entente/engine'
import { describe, expect, it } from 'vitest'
import '../define.js'
import { fakeEngine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, find, mount, textOf } from '../testing/mount.js'
import { agreed, connected, connectionId, field, mirror, opportunity, share } from '../testing/scenes.js'

const scene = {
  records: [opportunity('a'), opportunity('b', { StageName: 'Closed Won' })],
  connections: [connected()],
  agreement: agreed(),
  mirrors: [mirror()],
  shares: [share()],
  sharedOver: { [connectionId]: ['a'] },
  visible: ['a', 'b'],
}
const inside = (element: Element, ...path: readonly string[]): string => {
  let place = element
  for (const selector of path) place = find(place, selector)
  return textOf(place)
}
const headings = (element: Element): readonly (string | undefined)[] =>
  [...(element.shadowRoot?.querySelectorAll('h3') ?? [])].map((heading) => heading.textContent?.trim())

describe('the related lists of a record', () => {
  it('are those that the admins chose, in their order, and a mirror shows the fields that they chose', async () => {
    const engine = fakeEngine(scene)
    const related = await mount('entente-related', { engine, record: 'a' })
    expect(headings(related)).toEqual(['Connected external records', 'Changed since you looked', 'Shared over'])
    expect(inside(related, 'entente-external')).toContain('Call the buyer')
    expect(await accessibilityProblems()).toEqual([])

    const pages = { ...engine.scene.settings.pages, Opportunity: { lists: ['shares', 'mirrors'], mirrorFields: ['StageName'] } as const }
    engine.change({ settings: { ...engine.scene.settings, pages } }, 'settings')
    await drawn(related)
    expect(headings(related)).toEqual(['Shared over', 'Connected external records'])
    expect(inside(related, 'entente-external')).not.toContain('Call the buyer')
    // A mirror embedded alone follows as well.
    expect(textOf(await mount('entente-external', { engine, record: 'a' }))).not.toContain('Call the buyer')
  })

  it('say what changed in this record since the person looked', async () => {
    const change = {
      id: 'map:StageName:1',
      share: 'map',
      connection: connectionId,
      peerName: 'Tessaly & Brook',
      object: 'Opportunity' as const,
      record: 'a',
      what: 'field' as const,
      field: field('StageName'),
      from: 'Qualification',
      to: 'Closed Won',
      at: Date.now() - 60_000,
    }
    const engine = fakeEngine({ ...scene, changes: [change, { ...change, id: 'other', record: 'b' }] })
    const related = await mount('entente-related', { engine, record: 'a', lists: ['changes'] })
    expect(textOf(related)).toMatch(/Stage: ?Qualification → ?Closed Won/)
    button(related, 'Mark as seen').click()
    await drawn(related)
    expect(engine.calls).toEqual([['markSeen', ['map:StageName:1']]])
    expect(textOf(related)).toContain('Nothing that you have not seen')
  })
})

describe('the page on which admins choose how pages look', () => {
  it('shows each choice in the preview before it is saved', async () => {
    const engine = fakeEngine(scene)
    const editor = await mount('entente-appearance', { engine })
    expect(await accessibilityProblems()).toEqual([])
    const preview = find(editor, 'entente-related')
    // A preview is to be looked at: none of its buttons acts.
    expect(preview.matches('[inert]')).toBe(true)
    expect(headings(preview)).toHaveLength(3)
    find(editor, "[aria-label='Move Shared over up']").click()
    await drawn(editor)
    expect(headings(preview)).toEqual(['Connected external records', 'Shared over', 'Changed since you looked'])
    const all = find<HTMLInputElement>(editor, 'fieldset:nth-of-type(2) input')
    all.click()
    await drawn(editor)
    find<HTMLInputElement>(editor, "[aria-label='Fields of a mirror'] li:nth-child(2) input").click()
    await drawn(editor)
    expect(inside(editor, 'entente-related', 'entente-external')).not.toContain('Call the buyer')
    expect(engine.calls).toEqual([])
    button(editor, 'Save').click()
    await drawn(editor)
    expect(engine.calls).toEqual([
      ['changeSettings', { pages: { Opportunity: { lists: ['mirrors', 'shares', 'changes'], mirrorFields: ['StageName'] } } }],
    ])
  })

  it('shows what is chosen after a box was unticked, and the next one took its place', async () => {
    const editor = await mount('entente-appearance', { engine: fakeEngine(scene) })
    const boxes = () => Array.from(editor.shadowRoot?.querySelector('ul.ordered')?.querySelectorAll('input') ?? [])
    boxes()[0]?.click()
    await drawn(editor)
    expect(boxes().map(({ checked }) => checked)).toEqual([true, true, false])
  })

  it('gives the partner site a name, columns and a first view, as the partner will see it', async () => {
    const engine = fakeEngine(scene)
    const editor = await mount('entente-appearance', { engine })
    const name = find<HTMLInputElement>(editor, 'section:last-of-type label input')
    name.value = 'Deals for Tessaly'
    name.dispatchEvent(new Event('input'))
    const introduction = find<HTMLTextAreaElement>(editor, 'textarea')
    introduction.value = 'Choose\nwhat you like.'
    introduction.dispatchEvent(new Event('input'))
    await drawn(editor)
    find<HTMLInputElement>(editor, "[aria-label='Columns'] li:nth-child(3) input").click()
    const order = find<HTMLSelectElement>(editor, "[aria-label='Order by']")
    order.value = 'StageName'
    order.dispatchEvent(new Event('change'))
    await drawn(editor)
    expect(find(editor, "[aria-label='Preview of the partner site']").textContent).toContain('Deals for Tessaly')
    const columns = [...(find(editor, 'entente-records').shadowRoot?.querySelectorAll('[role=columnheader]') ?? [])]
    expect(columns.map((column) => column.textContent?.trim())).toEqual(['Opportunity Name', 'Stage', 'Shared with'])
    engine.refuse('changeSite', new EngineError('INVALID', 'The name is too long.'))
    const save = [...(editor.shadowRoot?.querySelectorAll('button.primary') ?? [])].at(-1) as HTMLButtonElement
    save.click()
    await drawn(editor)
    expect(textOf(editor)).toContain('The name is too long.')
    expect(find<HTMLInputElement>(editor, 'section:last-of-type label input').value).toBe('Deals for Tessaly')
    save.click()
    await drawn(editor)
    expect(engine.calls.at(-1)).toEqual([
      'changeSite',
      connectionId,
      {
        name: 'Deals for Tessaly',
        introduction: 'Choose what you like.',
        objects: { Opportunity: { columns: ['Name', 'StageName'], sort: [{ field: 'StageName', direction: 'ascending' }] } },
      },
    ])
  })

  it('offers members nothing', async () => {
    const editor = await mount('entente-appearance', { engine: fakeEngine({ ...scene, role: 'member' }) })
    expect(textOf(editor)).toContain('chosen by your org’s admins')
    expect(editor.shadowRoot?.querySelectorAll('button, input')).toHaveLength(0)
  })
})

describe('a partner site', () => {
  it('looks as the vendor chose, and a hidden character in its name would be seen', async () => {
    const listing = (id: string) => ({
      id,
      connection: connectionId,
      object: 'Opportunity' as const,
      values: { Name: `Deal ${id}`, StageName: id === 'x' ? 'Closed Won' : 'Qualification', NextStep: 'Call' },
      changedAt: 0,
      copy: undefined,
      status: undefined,
    })
    const site = {
      name: 'Deals \u202egnirts',
      introduction: 'Choose what you like.',
      objects: {
        Opportunity: {
          columns: ['StageName', 'Name'],
          sort: [{ field: 'Name', direction: 'descending' as const }],
          conditions: [{ field: 'StageName', operator: 'equals' as const, value: 'Qualification' }],
        },
      },
    }
    const engine = fakeEngine({
      ...scene,
      connections: [connected({ side: 'partner' })],
      listings: [listing('x'), listing('y'), listing('z')],
      site,
    })
    const list = await mount('entente-records', { engine, source: 'listings', connection: connectionId })
    expect(find(list, '.site').textContent).toMatch(/Deals U\+202Egnirts\s+Choose what you like\./)
    expect(list.shown.fields.map(({ name }) => name)).toEqual(['StageName', 'Name', 'ExportStatus'])
    expect(list.shown.rows.map((row) => row['Name'])).toEqual(['Deal z', 'Deal y'])
    expect(await accessibilityProblems()).toEqual([])
    // The person's own choice stands.
    list.conditions = []
    await drawn(list)
    expect(list.shown.rows).toHaveLength(3)
  })
})
