import { describe, expect, it } from 'vitest'
import '../define.js'
import { type FakeEngine, fakeEngine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, mount, textOf } from '../testing/mount.js'
import { agreed, connected, connectionId, opportunities } from '../testing/scenes.js'

/** What was asked of the engine, beside keeping a draft. */
const sent = (engine: FakeEngine): FakeEngine['calls'] => engine.calls.filter(([call]) => !call.endsWith('Draft'))

describe('Vera’s sharing rule', () => {
  it('counts before it is saved, and is saved as it stands', async () => {
    const engine = fakeEngine({ connections: [connected()], agreement: agreed(), records: opportunities(30) })
    const rule = await mount('entente-sharing', { engine, connection: connectionId })
    expect(button(rule, 'Save the rule').disabled).toBe(true)
    button(rule, 'Add a condition').click()
    await drawn(rule)
    button(rule, 'Closed Won').click()
    await drawn(rule)
    expect(textOf(rule)).toContain('7 of 30 opportunities would be shown')
    button(rule, 'Save the rule').click()
    await drawn(rule)
    const conditions = [{ field: 'StageName', operator: 'oneOf', value: ['Closed Won'] }]
    expect(sent(engine)).toEqual([['setRule', connectionId, 'Opportunity', { match: 'all', conditions, added: [], hidden: [] }]])
    expect(await accessibilityProblems()).toEqual([])
  })

  it('is kept on this device until it is saved or dropped, and takes back nothing that was done by hand meanwhile', async () => {
    const engine = fakeEngine({ connections: [connected()], agreement: agreed(), records: opportunities(30) })
    const open = () => mount('entente-sharing', { engine, connection: connectionId })
    const rule = await open()
    button(rule, 'Add a condition').click()
    await drawn(rule)
    button(rule, 'Closed Won').click()
    await drawn(rule)
    // She hides a record by hand on its page, and comes back.
    rule.remove()
    await expect.poll(() => engine.drafts.of('SharingRule', `${connectionId}:Opportunity`)).toBeDefined()
    engine.change({ rule: { match: 'all', conditions: [], added: [], hidden: ['00001'] } }, 'sharing')
    const again = await open()
    expect(textOf(again)).toContain('opportunities would be shown')
    expect(textOf(again)).toContain('Kept on this device.')
    again.object = 'Lead'
    await drawn(again)
    expect(textOf(again)).not.toContain('Kept on this device.')
    again.object = 'Opportunity'
    await drawn(again)
    button(again, 'Save the rule').click()
    await expect.poll(() => engine.drafts.list()).toEqual([])
    const conditions = [{ field: 'StageName', operator: 'oneOf', value: ['Closed Won'] }]
    expect(sent(engine)).toEqual([['setRule', connectionId, 'Opportunity', { match: 'all', conditions, added: [], hidden: ['00001'] }]])
    button(again, 'Add a condition').click()
    await expect.poll(() => engine.drafts.list()).toHaveLength(1)
    button(again, 'Undo').click()
    await expect.poll(() => engine.drafts.list()).toEqual([])
    expect(textOf(await open())).not.toContain('would be')
  })

  it('is for a member to see, and not to change', async () => {
    const engine = fakeEngine({ role: 'member', connections: [connected()], agreement: agreed(), records: opportunities(3) })
    const rule = await mount('entente-sharing', { engine, connection: connectionId })
    expect(textOf(rule)).toContain('Admins of your org decide what a partner sees.')
    expect(rule.shadowRoot?.querySelectorAll(':is(button, select, input):enabled')).toHaveLength(0)
    expect(await accessibilityProblems()).toEqual([])
  })

  it('shows copies from another org only where that org’s agreement lets hers pass them on (rule SH5)', async () => {
    const asks = async (side: 'vendor' | 'partner', passOn: boolean): Promise<boolean> => {
      const agreement = agreed({ side })
      const { effective } = agreement
      const opportunity = effective?.objects.Opportunity
      const objects = opportunity ? { Opportunity: { ...opportunity, ...(passOn && { passOn: true as const }) } } : {}
      const connections = [connected(), connected({ id: 'PPPPPPPPPPPPPPPPPPPPPP' as typeof connectionId, side })]
      const engine = fakeEngine({ connections, agreement: { ...agreement, effective: effective && { ...effective, objects } } })
      const rule = await mount('entente-sharing', { engine, connection: connectionId })
      const box = rule.shadowRoot?.querySelector<HTMLInputElement>('input[type="checkbox"]')
      box?.click()
      await drawn(rule)
      button(rule, 'Save the rule').click()
      await drawn(rule)
      if (box) expect(sent(engine)).toEqual([['setRule', connectionId, 'Opportunity', expect.objectContaining({ copies: true })]])
      return box !== null && box !== undefined
    }
    expect([await asks('partner', true), await asks('partner', false), await asks('vendor', true)]).toEqual([true, false, false])
  })
})
