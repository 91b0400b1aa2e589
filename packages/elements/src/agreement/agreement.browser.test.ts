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

/** What was asked of the engine, beside keeping a draft: how often that is depends on how quick the machine is. */
const sent = (engine: FakeEngine): FakeEngine['calls'] => engine.calls.filter(([call]) => !call.endsWith('Draft'))

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
    expect(sent(engine)).toEqual([['propose', connectionId, { objects: { Opportunity: { fields } } }]])
    expect(await accessibilityProblems()).toEqual([])
  })

  it('says why it cannot be sent yet', async () => {
    const { page } = await proposing()
    expect(button(page, 'Propose 0 fields').disabled).toBe(true)
    expect(textOf(page)).toContain('Tick at least one field.')
    box(page, 'Export Opportunity Name').click()
    await drawn(page)
    expect(textOf(page)).not.toContain('Tick at least one field.')
    expect(textOf(page)).toContain('Nothing leaves before the partner accepts.')
  })

  it('ticks the usual fields by one click, of the object that she sees alone', async () => {
    const engine = fakeEngine({ connections: [connected()], agreement: agreed({ state: 'none', effective: undefined, turn: 'vendor' }) })
    const page = await mount('entente-agreement', { engine, connection: connectionId })
    button(page, 'Tick the usual ones').click()
    await drawn(page)
    button(page, 'Propose 7 fields').click()
    await drawn(page)
    const [, , proposal] = sent(engine)[0] ?? []
    expect(Object.keys((proposal as { objects: object }).objects)).toEqual(['Opportunity'])
  })

  it('begins with what she last offered', async () => {
    const fields = [{ field: field('StageName'), update: true }]
    const engine = fakeEngine({ connections: [connected()], agreement: { ...nothingYet, offer: { objects: { Opportunity: { fields } } } } })
    const page = await mount('entente-agreement', { engine, connection: connectionId })
    expect(box(page, 'Keep updating Stage').checked).toBe(true)
    button(page, 'Propose 1 field').click()
    await drawn(page)
    expect(sent(engine)).toEqual([['propose', connectionId, { objects: { Opportunity: { fields } } }]])
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
    expect(sent(engine)).toEqual([['propose', connectionId, { objects: { Opportunity: { fields, passOn: true } } }]])
  })

  it('turns from object to object by the arrows', async () => {
    const page = await mount('entente-agreement', {
      engine: fakeEngine({ connections: [connected()], agreement: agreed() }),
      connection: connectionId,
    })
    const tab = (name: string): HTMLElement => button(page, name)
    tab('Opportunities').focus()
    tab('Opportunities').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }))
    await drawn(page)
    expect(page.shadowRoot?.activeElement).toBe(tab('Leads'))
    expect([tab('Leads').ariaSelected, tab('Leads').tabIndex, tab('Opportunities').tabIndex]).toEqual(['true', 0, -1])
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
    expect(sent(engine)).toEqual([['acceptAgreement', connectionId, { version: 1, objects: { Opportunity: { fields } } }]])
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
    expect(sent(engine)[0]?.[2]).toMatchObject({ objects: { Opportunity: { defaults: { CloseDate: '2027-12-31' } } } })
  })
})

describe('a second proposal', () => {
  const many = Array.from({ length: 312 }, (_, index) => `${index}`)
  const offered = (names: readonly string[], version: number, at = version) => ({
    objects: { Opportunity: { fields: names.map((name) => ({ field: field(name), update: name !== 'Name' })) } },
    version,
    by: 'vera',
    at,
  })
  const second = agreed({
    side: 'partner',
    proposal: offered(['Name', 'StageName', 'Amount', 'CloseDate'], 2),
    declined: { Opportunity: ['CloseDate'] },
    state: 'proposed',
    turn: 'partner',
  })
  const seeded = async (view = second) => {
    const engine = fakeEngine({ connections: [connected({ side: 'partner' })], agreement: view, sharedOver: { [connectionId]: many } })
    engine.agreements.suggest = () => [
      { source: 'Name', target: 'Name', update: false },
      { source: 'StageName', target: 'StageName', update: true },
    ]
    return { engine, page: await mount('entente-agreement', { engine, connection: connectionId }) }
  }

  it('says in sentences what changes before Paul signs, and ticks nothing that he declined or that is new', async () => {
    const { engine, page } = await seeded()
    expect(textOf(page)).toContain('From version 2 on:')
    expect(textOf(page)).toContain(
      'Tessaly & Brook no longer sees Next Step on 312 opportunities, and your org no longer sees theirs. Copies keep what they got.',
    )
    expect(find<HTMLSelectElement>(page, 'select[aria-label="Own field for Amount"]').value).toBe('')
    expect(textOf(page)).toMatch(/Do not take.*waits for your answer/s)
    expect(await accessibilityProblems()).toEqual([])
    const amount = find<HTMLSelectElement>(page, 'select[aria-label="Own field for Amount"]')
    amount.value = 'Amount'
    amount.dispatchEvent(new Event('change'))
    await drawn(page)
    expect(textOf(page)).toContain('Amount keeps flowing from now on, both ways, also on 312 opportunities exported before.')
    button(page, 'Accept 3 fields').click()
    await drawn(page)
    expect(sent(engine)).toHaveLength(1)
  })

  it('says what Vera has withdrawn since she proposed it, and does not promise it', async () => {
    const { page } = await seeded(agreed({ ...second, takenBack: { Opportunity: ['StageName'] } }))
    expect(textOf(page)).toContain('The vendor has withdrawn it since')
    expect([box(page, 'Keep updating Stage').checked, box(page, 'Keep updating Stage').disabled]).toEqual([false, true])
    expect(textOf(page)).toContain('no longer sees Stage and Next Step on 312 opportunities')
    expect(await accessibilityProblems()).toEqual([])
  })

  it('that comes while Paul chooses keeps his choices, and waits until he has seen what changed', async () => {
    const { engine, page } = await seeded()
    box(page, 'Keep updating Stage').click()
    await drawn(page)
    engine.change({ agreement: { ...second, proposal: offered(['StageName', 'Amount', 'NextStep'], 3) } }, 'agreements')
    await drawn(page)
    expect(textOf(page)).toContain('The vendor has just proposed version 3. Your choices are kept.')
    // Nobody has taken these fields yet: they are offered, or are not.
    expect(textOf(page)).toContain('Offered now of opportunities: Next Step.')
    expect(textOf(page)).toContain('Offered no more of opportunities: Opportunity Name, Close Date.')
    expect(textOf(page).match(/It offers.*?I have seen it/s)?.[0] ?? '').not.toMatch(/from now on|no longer sees/)
    expect(button(page, 'Accept 1 field').disabled).toBe(true)
    expect(textOf(page)).toContain('See first what has just come.')
    expect(box(page, 'Keep updating Stage').checked).toBe(false)
    expect(await accessibilityProblems()).toEqual([])
    button(page, 'I have seen it').click()
    await drawn(page)
    button(page, 'Accept 1 field').click()
    await drawn(page)
    const fields = [{ source: 'StageName', target: 'StageName', update: false }]
    expect(sent(engine)).toEqual([['acceptAgreement', connectionId, { version: 3, objects: { Opportunity: { fields } } }]])
  })

  it('says what is offered and not taken where else nothing changes, and why Paul cannot accept', async () => {
    const { effective } = second
    const lines = (effective?.objects.Opportunity?.fields ?? []).map(({ mapping }) => mapping)
    const all = lines.map(({ source, update }) => ({ field: field(source), update }))
    const proposal = { ...offered([], 2), objects: { Opportunity: { fields: [...all, { field: field('Amount'), update: true }] } } }
    const engine = fakeEngine({ connections: [connected({ side: 'partner' })], agreement: { ...second, proposal } })
    engine.agreements.suggest = () => lines
    const page = await mount('entente-agreement', { engine, connection: connectionId })
    expect(textOf(page)).toContain('Nothing changes so far.')
    button(page, 'Take no opportunities').click()
    await drawn(page)
    expect(button(page, 'Accept 0 fields').disabled).toBe(true)
    expect(textOf(page)).toContain('Take at least one field.')
  })

  it('keeps what Paul chose, and what Vera ticked, on this device until it is sent or dropped', async () => {
    const { engine, page } = await seeded()
    box(page, 'Keep updating Stage').click()
    await drawn(page)
    // He goes to another page of the app, and comes back.
    page.remove()
    await expect.poll(() => engine.drafts.of('Agreement', connectionId)).toBeDefined()
    const again = await mount('entente-agreement', { engine, connection: connectionId })
    expect(box(again, 'Keep updating Stage').checked).toBe(false)
    expect(textOf(again)).toContain('Kept on this device.')
    // Another proposal came meanwhile.
    again.remove()
    engine.change({ agreement: { ...second, proposal: offered(['StageName', 'Amount'], 3) } }, 'agreements')
    const later = await mount('entente-agreement', { engine, connection: connectionId })
    // Of his choices those that are still offered stand, and nothing is added.
    expect(button(later, 'Accept 1 field').disabled).toBe(false)
    expect(box(later, 'Keep updating Stage').checked).toBe(false)
    button(later, 'Start over').click()
    await expect.poll(() => engine.drafts.of('Agreement', connectionId)).toBeUndefined()

    const vera = await proposing()
    box(vera.page, 'Keep updating Stage').click()
    await drawn(vera.page)
    vera.page.remove()
    await expect.poll(() => vera.engine.drafts.of('Agreement', connectionId)).toBeDefined()
    const hers = await mount('entente-agreement', { engine: vera.engine, connection: connectionId })
    expect(box(hers, 'Keep updating Stage').checked).toBe(true)
    button(hers, 'Propose 1 field').click()
    await expect.poll(() => vera.engine.drafts.of('Agreement', connectionId)).toBeUndefined()
  })

  it('waits for his answer, and is not called declined, before he was ever asked', async () => {
    const { page } = await seeded({ ...second, effective: undefined, declined: {} })
    expect(find(page, 'tr.off').textContent).toMatch(/Amount.*waits for your answer/s)
    expect(textOf(page)).not.toContain('declined')
  })

  it('can be answered while the connection pauses, which is said: who paused it, and when', async () => {
    const { engine, page } = await seeded()
    const why = { what: 'paused', by: 'own', at: Date.UTC(2026, 10, 3, 12) } as const
    engine.change({ connections: [connected({ side: 'partner', why })] }, 'connections')
    await drawn(page)
    expect(textOf(page)).toMatch(
      /Your org paused the connection on 3 Nov 2026.*when your org resumes it\. Fields can be agreed on meanwhile\./,
    )
    expect(button(page, 'Accept 2 fields').disabled).toBe(false)
    expect(await accessibilityProblems()).toEqual([])
  })

  it('is accepted for one object while the other is declined, whatever its required fields', async () => {
    const both = {
      ...offered(['Name'], 2),
      objects: { ...offered(['Name'], 2).objects, Lead: { fields: [{ field: field('Name'), update: false }] } },
    }
    const engine = fakeEngine({ connections: [connected({ side: 'partner' })], agreement: { ...second, proposal: both } })
    engine.agreements.suggest = (_, object) => (object === 'Lead' ? [] : [{ source: 'Name', target: 'Name', update: false }])
    engine.agreements.preflight = (_, object) =>
      object === 'Lead' ? [{ source: '', target: 'Company', verdict: 'blocked', reason: 'Company is required here.', samples: [] }] : []
    const page = await mount('entente-agreement', { engine, connection: connectionId })
    expect(button(page, 'Accept 1 field').disabled).toBe(false)
    button(page, 'Leads').click()
    await page.updateComplete
    expect(textOf(page)).toContain('You take none of these fields, so no leads travel.')
    expect(textOf(page)).not.toContain('Company is required here.')
  })

  it('is declined for an object with one click, and taken up again with another', async () => {
    const both = {
      ...offered(['Name', 'StageName'], 2),
      objects: { ...offered(['Name', 'StageName'], 2).objects, Lead: { fields: [{ field: field('Name'), update: false }] } },
    }
    const engine = fakeEngine({ connections: [connected({ side: 'partner' })], agreement: { ...second, proposal: both } })
    engine.agreements.suggest = (_, object) =>
      object === 'Lead'
        ? [{ source: 'Name', target: 'LastName', update: false }]
        : ['Name', 'StageName'].map((name) => ({ source: name, target: name, update: false }))
    const page = await mount('entente-agreement', { engine, connection: connectionId })
    expect(button(page, 'Accept 3 fields').disabled).toBe(false)
    button(page, 'Take no opportunities').click()
    await drawn(page)
    expect(textOf(page)).toContain('so no opportunities travel')
    expect(button(page, 'Accept 1 field').disabled).toBe(false)
    button(page, 'Take what fits').click()
    await drawn(page)
    expect(button(page, 'Accept 3 fields').disabled).toBe(false)
  })

  it('tells Vera that Paul declined all leads', async () => {
    const offer = offered(['Name'], 1)
    const proposal = { ...offer, objects: { ...offer.objects, Lead: { fields: [{ field: field('Name'), update: false }] } } }
    const engine = fakeEngine({ connections: [connected()], agreement: agreed({ proposal, declined: { Lead: ['Name'] } }) })
    const page = await mount('entente-agreement', { engine, connection: connectionId, object: 'Lead' })
    expect(textOf(page)).toContain(
      'No field of leads is agreed, so no leads travel. Fields of opportunities are. To share leads too, propose a change that has fields of them.',
    )
    expect(textOf(page)).toContain('The partner declined: ')
  })

  it('tells Paul, and a member, which object is agreed and which is not', async () => {
    const open = async (role: 'admin' | 'member', object: 'Lead' | 'Opportunity' = 'Lead') => {
      const agreement = agreed({ side: 'partner', proposal: offered(['Name'], 1) })
      const engine = fakeEngine({ role, connections: [connected({ side: 'partner' })], agreement })
      return textOf(await mount('entente-agreement', { engine, connection: connectionId, object }))
    }
    expect(await open('admin')).toContain('Fields of opportunities are. To share leads too, ask the vendor for a field of them.')
    expect(await open('member')).toMatch(/no leads travel\. Fields of opportunities are\. (?!To share)/)
    expect(await open('admin', 'Opportunity')).not.toContain('No field')
  })

  it('shows Vera what is proposed beside what is in force, what was declined, and every version', async () => {
    const view = agreed({
      proposal: offered(['Name', 'Amount'], 2),
      state: 'proposed',
      turn: 'partner',
      declined: { Opportunity: ['Amount'] },
    })
    const signed = (at: number) => ({ by: 'vera', at, jws: 'a.b.c' })
    const version = (number: number) => ({
      agreement: { ...(view.effective ?? { hash: '', objects: {} }), version: number },
      proposal: signed(0),
      acceptance: signed(1),
    })
    const engine = fakeEngine({ connections: [connected()], agreement: view, versions: [version(2), version(1)] })
    const page = await mount('entente-agreement', { engine, connection: connectionId })
    expect(textOf(page)).toContain('Proposed, not in force yet')
    expect(textOf(page)).toMatch(/If it accepts all of it:.*no longer sees Stage and Next Step on/)
    expect(textOf(page)).toContain('The partner declined: Amount.')
    expect(textOf(page)).toContain('All 2 versions that were in force')
    expect(await accessibilityProblems()).toEqual([])
  })
})

describe('a field that keeps flowing', () => {
  it('is stopped by an admin of either side alone, after a question, and stays in sight as withdrawn', async () => {
    const proposal = { objects: { Opportunity: { fields: [{ field: field('Name'), update: false }] } }, version: 1, by: 'vera', at: 0 }
    const engine = fakeEngine({ connections: [connected({ side: 'partner' })], agreement: agreed({ side: 'partner', proposal }) })
    const page = await mount('entente-agreement', { engine, connection: connectionId })
    find<HTMLButtonElement>(page, 'button[aria-label="Withdraw Stage"]').click()
    await drawn(page)
    expect(textOf(page)).toMatch(/Withdraw Stage, for both sides\?\s*Mirrors of opportunities drop it at once/)
    expect(await accessibilityProblems()).toEqual([])
    button(page, 'Cancel').click()
    await drawn(page)
    expect(sent(engine)).toEqual([])
    find<HTMLButtonElement>(page, 'button[aria-label="Withdraw Stage"]').click()
    await drawn(page)
    button(page, 'Withdraw it').click()
    await drawn(page)
    expect(sent(engine)).toEqual([['withdraw', connectionId, 'Opportunity', ['StageName']]])
    const [name, stage] = agreed().effective?.objects.Opportunity?.fields ?? []
    if (!name || !stage) throw new Error('Nothing is agreed.')
    const effective = { version: 1, hash: 'h'.repeat(43), objects: { Opportunity: { fields: [name] } } }
    const withdrawn = [
      { object: 'Opportunity' as const, field: stage, by: 'partner' as const, person: 'paul', at: Date.UTC(2027, 0, 15, 14, 5) },
    ]
    engine.change({ agreement: agreed({ side: 'partner', proposal, effective, withdrawn }) }, 'agreements')
    await drawn(page)
    expect(textOf(page)).toMatch(/Withdrawn by an admin of Tessaly & Brook, .*2027/)
    expect(await accessibilityProblems()).toEqual([])
  })

  it('has no such button for a member', async () => {
    const engine = fakeEngine({ role: 'member', connections: [connected()], agreement: agreed() })
    const page = await mount('entente-agreement', { engine, connection: connectionId })
    expect(page.shadowRoot?.querySelector('button[aria-label^="Withdraw"]')).toBeNull()
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

describe('an object', () => {
  const scene = (off: ReturnType<typeof agreed>['off'], role: 'admin' | 'member' = 'admin') =>
    fakeEngine({ role, connections: [connected()], agreement: agreed({ off }), sharedOver: { [connectionId]: ['1', '2', '3'] } })

  it('is switched off by an admin after a question that says what stops, and on again', async () => {
    const engine = scene([])
    const page = await mount('entente-agreement', { engine, connection: connectionId })
    button(page, 'Switch opportunities off').click()
    await drawn(page)
    expect(textOf(page)).toContain('The sharing of 3 opportunities stops at once.')
    expect(await accessibilityProblems()).toEqual([])
    button(page, 'Switch off').click()
    await drawn(page)
    engine.change({ agreement: agreed({ off: [{ object: 'Opportunity', by: 'own', at: Date.UTC(2027, 0, 15) }] }) }, 'agreements')
    await drawn(page)
    expect(textOf(page)).toMatch(/Your org has switched opportunities off since .*2027/)
    button(page, 'Switch on').click()
    await drawn(page)
    expect(sent(engine)).toEqual([
      ['switchObject', connectionId, 'Opportunity', false],
      ['switchObject', connectionId, 'Opportunity', true],
    ])
  })

  it('that the other org has off says so, and only that org switches it on', async () => {
    const page = await mount('entente-agreement', {
      engine: scene([{ object: 'Opportunity', by: 'peer', at: Date.UTC(2027, 0, 15) }], 'member'),
      connection: connectionId,
    })
    expect(textOf(page)).toContain('Tessaly & Brook has switched opportunities off since')
    expect(page.shadowRoot?.querySelectorAll('button:not([role="tab"])')).toHaveLength(0)
    expect(await accessibilityProblems()).toEqual([])
  })
})

describe('a field that Paul asks for', () => {
  const wish = {
    id: 'w',
    object: 'Opportunity' as const,
    label: 'Amount',
    update: true,
    reason: 'We plan by it.',
    by: 'paul',
    at: 0,
    answer: undefined,
  }
  const proposal = { objects: { Opportunity: { fields: [{ field: field('Name'), update: false }] } }, version: 1, by: 'vera', at: 0 }

  it('is asked for in his own words, waits, and shows the answer', async () => {
    const engine = fakeEngine({ connections: [connected({ side: 'partner' })], agreement: agreed({ side: 'partner', proposal }) })
    const page = await mount('entente-agreement', { engine, connection: connectionId })
    button(page, 'Ask for a field of opportunities').click()
    await drawn(page)
    expect(await accessibilityProblems()).toEqual([])
    const [label, reason] = [...(page.shadowRoot?.querySelectorAll<HTMLInputElement>('form input[maxlength]') ?? [])]
    if (!label || !reason) throw new Error('There is no form.')
    for (const [input, text] of [
      [label, 'Amount'],
      [reason, 'We plan by it.'],
    ] as const) {
      input.value = text
      input.dispatchEvent(new Event('input'))
      await drawn(page)
    }
    find<HTMLButtonElement>(page, 'form button.primary').click()
    await drawn(page)
    expect(sent(engine)).toEqual([['ask', connectionId, 'Opportunity', { label: 'Amount', update: true, reason: 'We plan by it.' }]])
    engine.change({ wishes: [wish, { ...wish, id: 'v', label: 'Phone', answer: { answer: 'declined', by: 'vera', at: 0 } }] }, 'agreements')
    await drawn(page)
    expect(textOf(page)).toContain('Waits for Tessaly & Brook')
    expect(textOf(page)).toMatch(/Phone of opportunities.*Declined/)
    expect(await accessibilityProblems()).toEqual([])
  })

  it('is put into Vera’s next proposal, or declined', async () => {
    const engine = fakeEngine({
      connections: [connected()],
      agreement: agreed({ proposal, offer: proposal }),
      wishes: [wish, { ...wish, id: 'v', label: 'Phone' }],
    })
    const page = await mount('entente-agreement', { engine, connection: connectionId })
    expect(textOf(page)).toContain('Tessaly & Brook asks for')
    expect(await accessibilityProblems()).toEqual([])
    find<HTMLButtonElement>(page, 'button[aria-label="Decline Phone"]').click()
    await drawn(page)
    find<HTMLButtonElement>(page, 'button[aria-label="Put into a proposal: Amount"]').click()
    await drawn(page)
    expect(textOf(page)).toContain('This proposal answers the wish for Amount.')
    expect([box(page, 'Export Amount').checked, box(page, 'Keep updating Amount').checked]).toEqual([true, true])
    button(page, 'Propose 2 fields').click()
    await drawn(page)
    expect(sent(engine).map(([name, , ...rest]) => [name, ...(name === 'propose' ? [] : rest)])).toEqual([
      ['answerWish', 'v', 'declined'],
      ['propose'],
      ['answerWish', 'w', 'offered'],
    ])
  })
})

describe('a wider agreement', () => {
  it('says how far it has come, and fills in what is empty in Paul’s copies on his click', async () => {
    const [, stage] = agreed().effective?.objects.Opportunity?.fields ?? []
    if (!stage) throw new Error('Nothing is agreed.')
    const proposal = { objects: { Opportunity: { fields: [{ field: field('Name'), update: false }] } }, version: 1, by: 'vera', at: 0 }
    const engine = fakeEngine({
      connections: [connected({ side: 'partner' })],
      agreement: agreed({ side: 'partner', proposal }),
      reached: { records: 312, reached: 250 },
      gaps: [{ field: stage, copies: 312, ready: 300, waiting: 4 }],
      sharedOver: { [connectionId]: ['1'] },
    })
    const page = await mount('entente-agreement', { engine, connection: connectionId })
    expect(textOf(page)).toContain('Version 1 has reached 250 of 312 opportunities.')
    button(page, 'Look which empty fields').click()
    await drawn(page)
    expect(textOf(page)).toContain('Stage: 300 of 312 copies 4 more wait for Tessaly & Brook')
    expect(await accessibilityProblems()).toEqual([])
    engine.change({ gaps: [], reached: { records: 312, reached: 312 } }, 'agreements')
    button(page, 'Fill in').click()
    await drawn(page)
    await drawn(page)
    expect(sent(engine)).toEqual([['fillIn', connectionId, 'Opportunity', ['StageName']]])
    expect(textOf(page)).toContain('copies are filled in. No empty field of your copies of opportunities can be filled in.')
    expect(textOf(page)).not.toContain('has reached')
    expect(await accessibilityProblems()).toEqual([])
  })
})
