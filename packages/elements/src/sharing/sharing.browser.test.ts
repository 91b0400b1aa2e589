import { describe, expect, it } from 'vitest'
import '../define.js'
import { fakeEngine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, mount, textOf } from '../testing/mount.js'
import { agreed, connected, connectionId, opportunities } from '../testing/scenes.js'

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
    expect(engine.calls).toEqual([['setRule', connectionId, 'Opportunity', { match: 'all', conditions, added: [], hidden: [] }]])
    expect(await accessibilityProblems()).toEqual([])
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
      if (box) expect(engine.calls).toEqual([['setRule', connectionId, 'Opportunity', expect.objectContaining({ copies: true })]])
      return box !== null && box !== undefined
    }
    expect([await asks('partner', true), await asks('partner', false), await asks('vendor', true)]).toEqual([true, false, false])
  })
})
