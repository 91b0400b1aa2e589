import '@entente/elements/define.js'
import { keepOrg, openIdbStore } from '@entente/browser'
import { type Setup, setup } from '@entente/engine/testing'
import { render } from 'lit'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { drawLastList, keepLastList } from './last-list.js'
import { WorkspaceApp } from './workspace-app.js'

// Vera comes back to her list of leads. The page shows its rows out of her store before her org is open.

/** The store of the org that an address without a name opens. */
const name = 'workspace-default'
const route = 'records/Lead?sort=-LastName'
let vera: Setup['vera']
let leads: readonly string[]

beforeEach(async () => {
  vera = (await setup({ upTo: 'exported' })).vera
  const add = (LastName: string): Promise<string> =>
    vera.records.create('Lead', { LastName, Company: 'Apollo', Status: 'Open - Not Contacted' })
  leads = [await add('Ode'), await add('Pia'), await add('Quin')]
})

afterEach(async () => {
  vi.restoreAllMocks()
  await vera.close()
  document.body.replaceChildren()
  for (const kept of ['list', 'org']) localStorage.removeItem(`entente-${kept}/${name}`)
  indexedDB.deleteDatabase(`entente-${name}`)
})

/** Her workspace, whose org opens when a test says so. */
class Workspace extends WorkspaceApp {
  protected override open(): void {
    // Not yet.
  }
  opened(): void {
    this.begin(Promise.resolve(vera))
  }
}
customElements.define('slow-workspace', Workspace)

/** Vera looks at another tab. */
function hide(): void {
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden')
  document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
}

/** Puts into this browser what Vera's org has stored. */
async function store(): Promise<void> {
  const pairs = (await Promise.all([vera.store.scan(['meta']), vera.store.scan(['row'])])).flat()
  const kept = await openIdbStore(name)
  await kept.update([], () => ({ writes: pairs.map(([put, value]) => ({ put, value })), result: undefined }))
  await kept.close()
}

/** The lines of the list as texts, its head first. */
async function lines(root: ParentNode | null = document): Promise<readonly string[]> {
  const all = (): readonly Element[] => {
    const list = root?.querySelector('last-list')?.shadowRoot?.querySelector('entente-records')
    return [...(list?.shadowRoot?.querySelectorAll('.line') ?? [])]
  }
  await expect.poll(() => all().length).toBeGreaterThan(1)
  return all().map(({ textContent }) => textContent.replaceAll(/\s+/g, ' ').trim())
}

it('shows the rows in the order that a person chose, with the values that are stored now', async () => {
  keepLastList(vera, name, route)
  expect(localStorage.getItem(`entente-list/${name}`)).toBeNull()
  hide()
  keepLastList(vera, name, route)
  await vera.records.edit('Lead', leads[1] ?? '', { Company: 'Bravo' })
  await vera.records.remove('Lead', leads[0] ?? '')
  await store()
  render(await drawLastList(name, route), document.body)
  const [head, ...rows] = await lines()
  expect(head).toContain('Shared with')
  expect(rows.map((row) => row.split('Open')[0])).toEqual(['Quin–Apollo', 'Pia–Bravo', 'Ada–Acme'])
  expect(rows.join()).not.toContain('Ode')
  expect(document.querySelector('last-list')?.shadowRoot?.querySelector('[inert] entente-records')).not.toBeNull()
})

it('shows nothing at another place, nor where the list leaves rows out, and keeps no value outside of the store', async () => {
  hide()
  for (const place of ['records/Lead?find=Quin', 'connections', `record/Lead/${leads[0]}`]) {
    keepLastList(vera, name, place)
    expect(localStorage.getItem(`entente-list/${name}`)).toBeNull()
  }
  keepLastList(vera, name, route)
  const kept = JSON.stringify(localStorage)
  for (const text of ['Quin', 'Apollo', vera.connections.list()[0]?.code ?? '']) expect(kept).not.toContain(text)
  await store()
  for (const place of ['records/Lead', 'records/Opportunity', `${route}&find=Quin`, 'connections'])
    expect(await drawLastList(name, place)).toBeUndefined()
  expect(await drawLastList('another-org', route)).toBeUndefined()
})

it('stands in the workspace until the org is open, and is kept again from there', async () => {
  keepLastList(vera, name, 'records/Lead')
  await store()
  const kept = localStorage.getItem(`entente-list/${name}`)
  location.hash = '#records/Lead'
  keepOrg(name, vera.org)
  const workspace = document.body.appendChild(document.createElement('slow-workspace') as Workspace)
  expect(await lines(workspace.shadowRoot)).toHaveLength(5)
  expect(workspace.shadowRoot?.querySelector('h1')?.textContent.trim()).toBe(vera.org.name)
  localStorage.removeItem(`entente-list/${name}`)
  workspace.opened()
  await expect.poll(() => workspace.shadowRoot?.querySelector('org-desk')).toBeTruthy()
  expect(workspace.shadowRoot?.querySelector('last-list')).toBeNull()
  await expect.poll(() => localStorage.getItem(`entente-list/${name}`), { timeout: 10_000 }).toBe(kept)
  localStorage.removeItem(`entente-list/${name}`)
  hide()
  await expect.poll(() => localStorage.getItem(`entente-list/${name}`)).toBe(kept)
  history.replaceState(null, '', location.pathname + location.search)
})

it('opens with the desk first, and draws the head of the page in a task of its own', async () => {
  keepOrg(name, vera.org)
  const workspace = document.body.appendChild(document.createElement('slow-workspace') as Workspace)
  const place = (tag: string): Element | null | undefined => workspace.shadowRoot?.querySelector(tag)
  await workspace.updateComplete
  const order: string[] = []
  const note = (): void => {
    for (const tag of ['org-desk', 'entente-status', 'entente-recovery']) if (place(tag) && !order.includes(tag)) order.push(tag)
    // What is there once the desk is, before the next task begins.
    if (order.length === 1) order.push('next task')
  }
  new MutationObserver(note).observe(workspace.shadowRoot ?? document, { childList: true, subtree: true })
  workspace.opened()
  await expect.poll(() => place('entente-status')).toBeTruthy()
  expect(order).toEqual(['org-desk', 'next task', 'entente-status', 'entente-recovery'])
})
