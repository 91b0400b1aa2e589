import '@entente/elements/define.js'
import { type ManyOrgs, setupMany } from '@entente/engine/testing'
import axe from 'axe-core'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import './desk.js'
import type { OrgDesk } from './desk.js'

// Vera's desk, as vendor of three orgs and partner of two, with real engines over a relay in memory. The address is what the desk asks its page for.

const wcag = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }

let many: ManyOrgs
let desk: OrgDesk
let address = ''

beforeAll(async () => {
  many = await setupMany()
  const { vera, partners } = many
  const [bramble, corvid] = partners
  if (bramble) await vera.connections.rename(bramble.connection, 'Bramble (north)')
  for (const { org } of [bramble, corvid].flatMap((each) => each ?? [])) {
    const copy = org.records.list('Lead').records[0]?.id ?? ''
    await org.records.edit('Lead', copy, { Status: 'Working - Contacted' })
  }
  await many.settle()
}, 60_000)

beforeEach(() => {
  desk = document.createElement('org-desk') as OrgDesk
  Object.assign(desk, { engine: many.vera, route: '' })
  desk.addEventListener('entente-route', (event) => {
    address = desk.route = (event as CustomEvent<{ readonly route: string }>).detail.route
  })
  const main = document.createElement('main')
  main.append(desk)
  document.body.replaceChildren(main)
})
afterAll(() => document.body.replaceChildren())

async function at(route: string): Promise<void> {
  address = desk.route = route
  await drawn()
}

/** Until the desk, and all that stands in it, is drawn. */
async function drawn(): Promise<void> {
  for (let round = 0; round < 4; round++) {
    for (const element of everything()) if ('updateComplete' in element) await element.updateComplete
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
}

function everything(root: ParentNode = document): readonly Element[] {
  return [...root.querySelectorAll('*')].flatMap((element) => [element, ...(element.shadowRoot ? everything(element.shadowRoot) : [])])
}

const textOf = (): string =>
  everything()
    .filter((element) => element.checkVisibility() && !element.matches('style, option'))
    .flatMap((element) => [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.textContent))
    .join(' ')
    .replace(/\s+/g, ' ')

const choices = (): readonly HTMLSelectElement[] =>
  everything().filter((element): element is HTMLSelectElement => element.matches('select[aria-label=Connection]'))

const offered = (select = choices()[0]): readonly string[] => [...(select?.options ?? [])].map(({ text }) => text.trim())

async function choose(name: string): Promise<void> {
  const [select] = choices()
  const option = [...(select?.options ?? [])].find(({ text }) => text.includes(name))
  if (!select || !option) throw new Error(`No choice of ${name}: ${offered().join('; ')}`)
  select.value = option.value
  select.dispatchEvent(new Event('change', { bubbles: true }))
  await drawn()
}

async function press(name: string): Promise<void> {
  const control = everything().find(
    (element) => element.matches('button, a') && element.textContent?.replace(/\s+/g, ' ').trim().startsWith(name),
  )
  if (!(control instanceof HTMLElement)) throw new Error(`Nothing is called ${name}`)
  control.click()
  await drawn()
}

const idOf = (name: string): string => {
  const found = [...many.partners, ...many.vendors].find(({ org }) => org.org.name.startsWith(name))
  if (!found) throw new Error(`No org ${name}`)
  return found.connection
}

const allFive = [
  'Bramble (north) · partner, connected',
  'Corvid Resale · partner, connected',
  'Dunlin Traders · partner, connected',
  'Egret Systems · vendor, connected',
  'Fennel Works · vendor, connected',
]

it.each([
  ['agreement', allFive],
  ['people', allFive],
  ['sharing/Lead', allFive.slice(0, 3)],
  ['site/Lead', allFive.slice(3)],
  ['settings', allFive.slice(0, 3)],
  ['audit', ['All connections', ...allFive]],
])('%s: the same choice offers each org with its role and state, and the address keeps it', async (route, expected) => {
  await at(route)
  expect(offered()).toEqual(expected)
  const last = expected.at(-1) ?? ''
  await choose(last)
  const name = last.split(' ·')[0] ?? ''
  expect(address).toContain(idOf(name))
  expect(choices()[0]?.selectedOptions[0]?.text.trim()).toBe(last)
  // Whoever opens that address sees the same.
  await at('connections')
  await at(`${route}/${idOf(name)}`)
  expect(choices()[0]?.selectedOptions[0]?.text.trim()).toBe(last)
})

it('Sharing opens on a partner of Vera’s org, also straight from a vendor’s agreement, and the partner site on a vendor', async () => {
  await at(`agreement/${idOf('Egret')}`)
  await press('Sharing')
  expect(address).toBe(`sharing/Opportunity/${idOf('Bramble')}`)
  expect(choices()[0]?.selectedOptions[0]?.text.trim()).toBe(allFive[0])
  expect(textOf()).toContain('Save the rule')
  await press('Partner site')
  expect(address).toMatch(new RegExp(`^site/Opportunity/${idOf('Egret')}`))
  await choose('Fennel')
  await press('Sharing')
  await choose('Dunlin')
  await press('Partner site')
  expect(address).toMatch(new RegExp(`^site/Opportunity/${idOf('Fennel')}`))
  await press('Sharing')
  expect(address).toBe(`sharing/Opportunity/${idOf('Dunlin')}`)
})

it('a link to a page that a connection does not have says so, and leads to the one that it has', async () => {
  await at(`sharing/Lead/${idOf('Egret')}`)
  expect(textOf()).toContain('Your org is the partner of Egret Systems')
  await press('See what Egret Systems shows you')
  expect(address).toMatch(new RegExp(`^site/Opportunity/${idOf('Egret')}`))
  await at(`site/Lead/${idOf('Corvid')}`)
  expect(textOf()).toContain('Your org is the vendor of Corvid Resale')
  await press('Choose what Corvid Resale sees')
  expect(address).toBe(`sharing/Opportunity/${idOf('Corvid')}`)
  await at('agreement/AAAAAAAAAAAAAAAAAAAAAA')
  expect(textOf()).toContain('This connection is not in your list')
  expect(choices()[0]?.selectedOptions[0]?.text).toBe('Choose a connection')
})

it('beside one record stand the three partners’ views of it, by name; lists, changes and differences tell them apart', async () => {
  const ada = many.vera.records.list('Lead').records.find(({ values }) => values['LastName'] === 'Ada')?.id ?? ''
  await at(`record/Lead/${ada}`)
  const titles = everything()
    .filter((element) => element.matches('section.mirror'))
    .map((element) => element.getAttribute('aria-label'))
  expect(titles).toEqual(['Connected External Lead of Bramble (north)', 'Connected External Lead of Corvid Resale'])
  await at('changes')
  for (const name of ['Bramble (north)', 'Corvid Resale']) expect(textOf()).toContain(name)
  expect(textOf()).toContain('2 changes in 1 record')
  expect(desk.renderRoot.querySelector('nav .badge')?.textContent).toBe('1')
  await at('differences')
  expect(textOf()).toContain('2 differences in 1 record')
  await at('records/Lead')
  expect(textOf()).toContain('3 orgs')
  await at('sync')
  expect(textOf()).not.toContain('Bramble Partners')
})

it('lists what was deleted here lately, for Undo to be found after a reload, too', async () => {
  const { vera } = many
  const id = await vera.records.create('Lead', { FirstName: 'Nia', LastName: 'Okoro', Company: 'Quarry', Status: 'Open - Not Contacted' })
  await at('records/Lead')
  expect(textOf()).not.toContain('Recently deleted')
  await vera.records.remove('Lead', id)
  await many.settle()
  await expect.poll(textOf).toMatch(/Recently deleted \( 1 \)/)
  const press = async (words: string): Promise<void> => {
    const found = everything().find((element) => element.matches('button, a') && element.textContent?.trim().startsWith(words))
    if (!(found instanceof HTMLElement)) throw new Error(`There is no “${words}”.`)
    found.click()
    await drawn()
  }
  await press('Recently deleted (1)')
  expect(textOf()).toMatch(/Nia Okoro deleted .*:\d\d/)
  expect((await axe.run(document, wcag)).violations).toEqual([])
  await press('Nia Okoro')
  expect(address).toBe(`record/Lead/${id}`)
  await press('Undo')
  await expect.poll(() => vera.records.get('Lead', id)?.values['LastName']).toBe('Okoro')
  await many.settle()
  await at('records/Lead')
  expect(textOf()).not.toContain('Recently deleted')
  // As it was before.
  await vera.records.remove('Lead', id)
  await many.settle()
})

it('says what another org waits for before what Vera might do, and leads to that connection', async () => {
  const [dunlin] = many.partners.slice(2)
  if (!dunlin) throw new Error('There is no third partner.')
  await dunlin.org.agreements.ask(dunlin.connection, 'Lead', { label: 'Industry' })
  await many.settle()
  await at(`agreement/${idOf('Bramble')}`)
  const turn = (): string => desk.renderRoot.querySelector('turn-line')?.shadowRoot?.textContent ?? ''
  expect(turn()).toContain('Dunlin Traders asks for a field.')
  await at('records/Lead')
  await press('Agreement')
  expect(address).toBe(`agreement/${idOf('Dunlin')}`)
  expect(turn().trim()).toBe('')
})

it('a partner that ends its connection leaves the four others as they are, and its own pages say so', async () => {
  const [corvid] = many.partners.slice(1)
  if (!corvid) throw new Error('There is no second partner.')
  await at(`sharing/Lead/${corvid.connection}`)
  await corvid.org.connections.disconnect(corvid.connection)
  await many.settle()
  await drawn()
  await expect.poll(textOf).toMatch(/Corvid Resale ended the connection (at|on) \d/)
  expect(address).toBe(`sharing/Lead/${corvid.connection}`)
  expect(offered()).toEqual([allFive[0], allFive[2], 'Corvid Resale · partner, ended'])
  expect(many.vera.connections.list().filter(({ state }) => state === 'Enabled')).toHaveLength(4)
})

it('says that a vendor that has ended shows nothing any more, and not whom to ask for records', async () => {
  const fennel = many.vera.connections.list().find(({ id }) => id === idOf('Fennel'))
  if (!fennel) throw new Error('Fennel is no vendor of Vera’s.')
  await at(`site/Lead/${fennel.id}`)
  await many.vera.connections.disconnect(fennel.id)
  await many.settle()
  await drawn()
  await expect.poll(textOf).toMatch(/Your org ended the connection (at|on) .* No record can be exported\./)
  expect(textOf()).toContain('Nothing is shown over this connection')
  expect(textOf()).not.toContain('Ask the vendor')
  await many.vera.connections.remove(fennel.id)
  await many.settle()
  await drawn()
  await expect.poll(textOf).toContain('This connection is not in your list')
})

it('is fit for everyone where there is a choice, where it has ended, and where there is no page', async () => {
  const found: string[] = []
  for (const route of ['site/Lead', `sharing/Lead/${idOf('Corvid')}`, `sharing/Lead/${idOf('Egret')}`]) {
    await at(route)
    const { violations } = await axe.run(document, wcag)
    found.push(...violations.map(({ id, nodes }) => `${route}: ${id} at ${JSON.stringify(nodes.map(({ target }) => target))}`))
  }
  expect(found).toEqual([])
})

it('draws nothing more where it leaves the page at once, and all of it where it is put elsewhere', async () => {
  const bare = (): boolean => desk.shadowRoot?.querySelector('turn-line') === null
  await desk.updateComplete
  expect(bare()).toBe(true)
  desk.remove()
  await drawn()
  expect(bare()).toBe(true)
  document.body.append(desk)
  await drawn()
  expect(bare()).toBe(false)
})
