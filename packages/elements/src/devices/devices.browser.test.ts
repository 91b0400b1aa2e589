import type { DeviceInvitationView, DeviceView } from '@entente/engine'
import { describe, expect, it, vi } from 'vitest'
import '../define.js'
import { fakeEngine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, find, mount, textOf } from '../testing/mount.js'

const users = [
  { id: 'user', name: 'Vera', role: 'admin' },
  { id: 'mia', name: 'Mia Lindqvist', role: 'member' },
] as const
const device = (part: Partial<DeviceView>): DeviceView => ({
  id: 'V'.repeat(43) as DeviceView['id'],
  person: 'user',
  personName: 'Vera',
  role: 'admin',
  name: 'Chrome on Linux',
  own: true,
  addedAt: 1,
  lastSeen: Date.now(),
  behind: undefined,
  ...part,
})
const laptop = device({
  id: 'M'.repeat(43) as DeviceView['id'],
  person: 'mia',
  personName: 'Mia Lindqvist',
  role: 'member',
  name: 'Laptop',
  own: false,
  lastSeen: Date.now() - 7_200_000,
  behind: 12,
})
const invitation = (part: Partial<DeviceInvitationView>): DeviceInvitationView => ({
  id: 'I'.repeat(22) as DeviceInvitationView['id'],
  state: 'open',
  personName: 'Max',
  role: 'member',
  link: 'https://app.example/#device=secret',
  expiresAt: Date.now() + 86_400_000,
  deviceName: undefined,
  code: undefined,
  own: true,
  problem: undefined,
  ...part,
})

describe('people and devices', () => {
  it('shows Vera each device, and lets her invite, compare, rename and shut out', async () => {
    const engine = fakeEngine({ devices: [device({}), laptop], deviceInvitations: [invitation({})], users: [...users] })
    const page = await mount('entente-devices', { engine, base: 'https://app.example/' })
    expect(textOf(page)).toContain('Last seen 2 hours ago, 12 changed records behind')
    expect(find<HTMLInputElement>(page, 'input[readonly]').value).toContain('#device=')
    expect(await accessibilityProblems()).toEqual([])

    find<HTMLInputElement>(page, 'input[name=name]').value = 'Max'
    button(page, 'Make a link').click()
    await expect
      .poll(() => engine.calls.at(-1))
      .toEqual(['inviteDevice', { base: 'https://app.example/', person: { name: 'Max' }, role: 'member' }])

    engine.change(
      { deviceInvitations: [invitation({ state: 'compare', code: '1234 5678 9012', deviceName: 'Firefox on Mac' })] },
      'devices',
    )
    await drawn(page)
    expect(textOf(page)).toContain('123456789012')
    expect(await accessibilityProblems()).toEqual([])
    button(page, 'They differ').click()
    await drawn(page)
    expect(textOf(page)).toContain('nothing was given away')
    button(page, 'Back').click()
    await drawn(page)
    button(page, 'They are the same').click()
    await expect.poll(() => engine.calls.at(-1)).toEqual(['confirmDevice', 'I'.repeat(22), true])

    const role = find<HTMLSelectElement>(page, 'select[aria-label="Role of Laptop"]')
    role.value = 'admin'
    role.dispatchEvent(new Event('change'))
    await expect.poll(() => engine.calls.at(-1)).toEqual(['setRole', laptop.id, 'admin'])

    // Two clicks, and what follows is said before the second.
    find<HTMLButtonElement>(page, 'button[aria-label$=": Laptop"]').click()
    await drawn(page)
    expect(textOf(page)).toContain('can send and read nothing any more')
    expect(await accessibilityProblems()).toEqual([])
    button(page, 'Shut out Laptop').click()
    await expect.poll(() => engine.calls.at(-1)).toEqual(['removeDevices', [laptop.id]])
  })

  it('says how often the keys have changed, how far everything is published again, and changes them on a second click', async () => {
    const keys = { generation: 2, due: false, done: 900, total: 900, remainingMs: 0 }
    const engine = fakeEngine({ devices: [device({})], users: [...users], keys })
    const page = await mount('entente-devices', { engine })
    expect(textOf(page)).toContain('They have changed 2 times.')
    button(page, 'Change the keys').click()
    await drawn(page)
    expect(engine.calls).toEqual([])
    const sure = await vi.waitUntil(() =>
      [...(page.shadowRoot?.querySelectorAll('button') ?? [])].find(({ textContent }) => textContent?.trim() === 'Change them'),
    )
    sure.click()
    await expect.poll(() => engine.calls.at(-1)).toEqual(['rotate'])
    engine.change({ keys: { ...keys, generation: 3, due: true } }, 'devices')
    await drawn(page)
    expect(textOf(page)).toContain('New keys are on their way')
    expect(button(page, 'Change the keys').disabled).toBe(true)
    engine.change({ keys: { ...keys, generation: 3, done: 300, remainingMs: 150_000 } }, 'devices')
    await drawn(page)
    expect(textOf(page)).toContain('About 3 minutes are left.')
    expect(textOf(page)).toContain('300 of 900')
    expect(await accessibilityProblems()).toEqual([])
  })

  it('shows a member the same, with what only an admin may do disabled', async () => {
    const engine = fakeEngine({ role: 'member', devices: [device({}), laptop], users: [...users] })
    const page = await mount('entente-devices', { engine })
    expect(textOf(page)).toContain('Admins of your org change people and devices')
    const open = [...(page.shadowRoot?.querySelectorAll<HTMLButtonElement | HTMLSelectElement>('button, select, input') ?? [])].filter(
      ({ disabled }) => !disabled,
    )
    expect(open.map((each) => each.getAttribute('aria-label'))).toEqual(['Rename Chrome on Linux'])
    expect(await accessibilityProblems()).toEqual([])
  })
})
