import type { ConnectionView } from '@entente/engine'
import { describe, expect, it } from 'vitest'
import '../define.js'
import { chooseConnection } from '../index.js'
import { fakeEngine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, find, mount, textOf } from '../testing/mount.js'
import { agreed, connected, job, mirror, opportunity, share } from '../testing/scenes.js'

// Vera's org is vendor of three and partner of two.

const id = (letter: string): ConnectionView['id'] => letter.repeat(22) as ConnectionView['id']
const bramble = connected({ id: id('B'), peerName: 'Bramble Partners', label: 'Bramble (north)' })
const corvid = connected({ id: id('C'), peerName: 'Corvid Resale', why: { what: 'paused', by: 'own', at: 0 } })
const at = Date.UTC(2026, 10, 3, 12)
const dunlin = connected({ id: id('D'), peerName: 'Aardvark', state: 'Disabled', why: { what: 'disconnected', by: 'peer', at } })
const egret = connected({ id: id('E'), peerName: 'Egret Systems', side: 'partner', verified: 'no' })
const fennel = connected({ id: id('F'), peerName: 'Fennel Works', side: 'partner' })
const invited = connected({ id: id('I'), peerName: undefined, state: 'Pending', code: undefined, verified: 'no' })
const connections = [fennel, invited, dunlin, corvid, egret, bramble]

const optionsOf = (choice: Element): readonly string[] =>
  [...(choice.shadowRoot?.querySelectorAll('option') ?? [])].map((option) => option.text.trim())

describe('the choice of a connection', () => {
  it('names each other org, its role and its state, in one order, the ended ones last', async () => {
    const choice = await mount('entente-choice', { engine: fakeEngine({ connections }), connection: corvid.id })
    expect(optionsOf(choice)).toEqual([
      'Bramble (north) · partner, connected',
      'Corvid Resale · partner, paused',
      'Egret Systems · vendor, codes not compared',
      'Fennel Works · vendor, connected',
      'Aardvark · partner, ended',
    ])
    const select = find<HTMLSelectElement>(choice, 'select')
    expect(select.value).toBe(corvid.id)
    const chosen: unknown[] = []
    choice.addEventListener('entente-choice', (event) => chosen.push((event as CustomEvent).detail))
    select.value = fennel.id
    select.dispatchEvent(new Event('change'))
    expect(chosen).toEqual([{ connection: fennel.id }])
    expect(await accessibilityProblems()).toEqual([])
  })

  it('offers one side alone, or all at once, and names the one that there is', async () => {
    const engine = fakeEngine({ connections })
    expect(optionsOf(await mount('entente-choice', { engine, side: 'partner', connection: fennel.id }))).toHaveLength(2)
    expect(optionsOf(await mount('entente-choice', { engine, all: 'All connections' }))[0]).toBe('All connections')
    const one = await mount('entente-choice', { engine: fakeEngine({ connections: [bramble, invited] }) })
    expect(textOf(one)).toContain('Bramble (north), partner, connected')
  })

  it('takes no other connection for one that is asked for', async () => {
    const engine = fakeEngine({ connections })
    expect(chooseConnection(engine, undefined)?.id).toBe(bramble.id)
    expect(chooseConnection(engine, undefined, 'partner')?.id).toBe(egret.id)
    expect(chooseConnection(engine, egret.id, 'vendor')).toBeUndefined()
    expect(chooseConnection(engine, 'gone')).toBeUndefined()
    const choice = await mount('entente-choice', { engine, connection: id('Z') })
    expect(find<HTMLSelectElement>(choice, 'select').selectedOptions[0]?.text).toBe('Choose a connection')
  })
})

describe('a screen about one of many connections', () => {
  it('where the own org is the partner has no sharing rule that could not be saved', async () => {
    const engine = fakeEngine({ connections, agreement: agreed({ side: 'partner' }) })
    const rule = await mount('entente-sharing', { engine, connection: fennel.id })
    expect(textOf(rule)).toContain('In this connection your org is the partner')
    expect(rule.shadowRoot?.querySelectorAll('button, select, input')).toHaveLength(0)
  })

  it('that has ended changes nothing, and says who ended it, and when', async () => {
    const people = [{ id: 'dag', name: 'Dag', granted: true, seated: true, objects: ['Opportunity'] as const, until: undefined }]
    const engine = fakeEngine({ connections, agreement: agreed(), people, jobs: [job({ connection: dunlin.id, side: 'vendor' })] })
    for (const tag of ['entente-sharing', 'entente-people', 'entente-agreement'] as const) {
      const screen = await mount(tag, { engine, connection: dunlin.id })
      expect(textOf(screen)).toContain('Aardvark ended the connection on 3 Nov 2026')
      expect(textOf(screen)).not.toContain('May export')
      const enabled = [...(screen.shadowRoot?.querySelectorAll(':is(button, select, input):enabled:not([role=tab])') ?? [])]
      expect(enabled.map((control) => control.textContent)).toEqual([])
      expect(await accessibilityProblems()).toEqual([])
    }
    const paused = await mount('entente-sharing', { engine, connection: corvid.id })
    expect(textOf(paused)).toMatch(/Your org paused the connection.* What Corvid Resale sees stays as it is meanwhile\./)
    const jobs = await mount('entente-jobs', { engine, connection: dunlin.id })
    expect(() => button(jobs, 'Recall')).toThrow('no button')
  })

  it('calls an org everywhere what the own org calls it', async () => {
    const engine = fakeEngine({
      connections,
      agreement: agreed(),
      records: [opportunity('deal')],
      shares: [share({ connection: fennel.id, peerName: 'Fennel Works' }), share({ connection: bramble.id, peerName: 'Bramble (north)' })],
      mirrors: [mirror({ id: 'f', peerName: 'Fennel Works' }), mirror({ id: 'b', peerName: 'Bramble (north)' })],
    })
    const list = await mount('entente-records', { engine, object: 'Opportunity' })
    expect(optionsOf(list)).toContain('Shared with Bramble (north)')
    expect(find(list, '.badge').textContent?.replace(/\s+/g, ' ').trim()).toBe('2 orgs')
    expect(find(list, '.badge').title).toBe('Bramble (north): Up to date\nFennel Works: Up to date')
    for (const [tag, properties] of [
      ['entente-shares', { object: 'Opportunity', record: 'deal' }],
      ['entente-external', { object: 'Opportunity', record: 'deal' }],
      ['entente-status', { details: true }],
    ] as const) {
      const text = textOf(await mount(tag, { engine, ...properties }))
      expect(text, tag).not.toContain('Bramble Partners')
      expect(text.indexOf('Bramble (north)'), tag).toBeGreaterThanOrEqual(0)
      expect(text.indexOf('Bramble (north)'), tag).toBeLessThan(text.lastIndexOf('Fennel Works'))
    }
  })

  it('keeps what an admin chose for one partner’s site when another connection comes first', async () => {
    const engine = fakeEngine({ connections: [corvid], agreement: agreed() })
    const looks = await mount('entente-appearance', { engine })
    const name = find<HTMLInputElement>(looks, 'section[aria-labelledby=site] input')
    name.value = 'Deals for Corvid'
    name.dispatchEvent(new Event('input'))
    engine.change({ connections: [corvid, bramble] }, 'connections')
    await drawn(looks)
    const save = [...(looks.shadowRoot?.querySelectorAll('button') ?? [])].filter((each) => each.textContent?.trim() === 'Save').at(-1)
    save?.click()
    await drawn(looks)
    expect(engine.calls).toEqual([['changeSite', corvid.id, expect.objectContaining({ name: 'Deals for Corvid' })]])
  })
})
