import type { FieldMapping } from '@entente/engine'
import { describe, expect, it } from 'vitest'
import '../define.js'
import { fakeEngine, type FakeEngine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, find, mount, textOf } from '../testing/mount.js'
import { agreed, connected, connectionId, field } from '../testing/scenes.js'
import type { EntenteAgreement } from './agreement.js'

const nothingYet = agreed({ effective: undefined, peerHash: undefined, state: 'none', turn: 'vendor' })
const box = (page: EntenteAgreement, label: string): HTMLInputElement => find(page, `input[aria-label="${label}"]`)

async function proposing(): Promise<{ engine: FakeEngine; page: EntenteAgreement }> {
  const engine = fakeEngine({ connections: [connected()], agreement: nothingYet })
  return { engine, page: await mount('entente-agreement', { engine, connection: connectionId }) }
}

describe('Vera’s proposal', () => {
  it('holds what she ticked, in the order of the fields', async () => {
    const { engine, page } = await proposing()
    box(page, 'Keep updating Stage').click()
    await drawn(page)
    box(page, 'Export Opportunity Name').click()
    await drawn(page)
    button(page, 'Propose 2 fields').click()
    await drawn(page)
    const fields = [
      { field: field('Name'), update: false },
      { field: field('StageName'), update: true },
    ]
    expect(engine.calls).toEqual([['propose', connectionId, { objects: { Opportunity: { fields } } }]])
    expect(await accessibilityProblems()).toEqual([])
  })

  it('lets Paul pass copies on only where she ticks it (rule AG4)', async () => {
    const { engine, page } = await proposing()
    box(page, 'Export Opportunity Name').click()
    await drawn(page)
    const passOn = [...(page.shadowRoot?.querySelectorAll('label') ?? [])].find(({ textContent }) =>
      textContent?.includes('its own partners'),
    )
    passOn?.querySelector('input')?.click()
    await drawn(page)
    button(page, 'Propose 1 field').click()
    await drawn(page)
    const fields = [{ field: field('Name'), update: false }]
    expect(engine.calls).toEqual([['propose', connectionId, { objects: { Opportunity: { fields, passOn: true } } }]])
  })

  it('refuses an eleventh update field, and says why (row 58)', async () => {
    const { page } = await proposing()
    const ticks = [...(page.shadowRoot?.querySelectorAll<HTMLInputElement>('input[aria-label^="Keep updating"]') ?? [])]
    for (const tick of ticks.slice(0, 10)) {
      tick.click()
      await drawn(page)
    }
    expect(textOf(page)).toContain('10 of 10')
    expect(ticks[10]?.disabled).toBe(true)
    expect(ticks[10]?.title).toContain('take one off first')
    ticks[0]?.click()
    await drawn(page)
    expect(ticks[10]?.disabled).toBe(false)
  })
})

describe('Paul’s acceptance', () => {
  const proposal = {
    objects: {
      Opportunity: {
        fields: [
          { field: field('Name'), update: false },
          { field: field('StageName'), update: true },
        ],
      },
    },
    version: 1,
    by: 'vera',
    at: 0,
  }
  const view = agreed({ side: 'partner', proposal, effective: undefined, peerHash: undefined, state: 'proposed', turn: 'partner' })

  it('takes some fields, declines others, and narrows the updates', async () => {
    const engine = fakeEngine({ connections: [connected({ side: 'partner' })], agreement: view })
    const page = await mount('entente-agreement', { engine, connection: connectionId })
    box(page, 'Keep updating Stage').click()
    await drawn(page)
    const name = find<HTMLSelectElement>(page, 'select[aria-label="Own field for Opportunity Name"]')
    name.value = ''
    name.dispatchEvent(new Event('change'))
    await drawn(page)
    button(page, 'Accept 1 field').click()
    await drawn(page)
    const fields: FieldMapping[] = [{ source: 'StageName', target: 'StageName', update: false }]
    expect(engine.calls).toEqual([['acceptAgreement', connectionId, { version: 1, objects: { Opportunity: { fields } } }]])
  })

  it('waits while a line does not fit', async () => {
    const preflight = [{ source: 'Name', target: 'Name', verdict: 'blocked' as const, reason: 'A text cannot fill a date.', samples: [] }]
    const engine = fakeEngine({ connections: [connected({ side: 'partner' })], agreement: view, preflight })
    const page = await mount('entente-agreement', { engine, connection: connectionId })
    expect(button(page, 'Accept').disabled).toBe(true)
    expect(textOf(page)).toContain('A text cannot fill a date.')
    expect(await accessibilityProblems()).toEqual([])
  })
})

describe('a required field of Paul’s that nothing fills', () => {
  it('takes a default, which goes with the acceptance', async () => {
    const proposal = { objects: { Opportunity: { fields: [{ field: field('Name'), update: false }] } }, version: 1, by: 'vera', at: 0 }
    const view = agreed({ side: 'partner', proposal, effective: undefined, peerHash: undefined, state: 'proposed', turn: 'partner' })
    const preflight = [
      { source: '', target: 'CloseDate', verdict: 'blocked' as const, reason: 'Close Date is required here.', samples: [] },
    ]
    const engine = fakeEngine({ connections: [connected({ side: 'partner' })], agreement: view, preflight })
    const page = await mount('entente-agreement', { engine, connection: connectionId })
    expect(button(page, 'Accept').disabled).toBe(true)
    const date = find<HTMLInputElement>(page, '#default-CloseDate')
    date.value = '2027-12-31'
    date.dispatchEvent(new Event('change'))
    await drawn(page)
    expect(await accessibilityProblems()).toEqual([])
    button(page, 'Accept').click()
    await drawn(page)
    expect(engine.calls[0]?.[2]).toMatchObject({ objects: { Opportunity: { defaults: { CloseDate: '2027-12-31' } } } })
  })
})

describe('what is in force', () => {
  it('is told to be the same on both sides, or not', async () => {
    const engine = fakeEngine({ connections: [connected()], agreement: agreed() })
    const page = await mount('entente-agreement', { engine, connection: connectionId })
    expect(textOf(page)).toContain('Both sides hold the same agreement')
    expect(await accessibilityProblems()).toEqual([])
    engine.change({ agreement: agreed({ peerHash: 'other' }) }, 'agreements')
    await drawn(page)
    expect(textOf(page)).toContain('The two sides differ')
  })
})
