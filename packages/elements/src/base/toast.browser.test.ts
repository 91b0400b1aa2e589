import { afterEach, expect, it, vi } from 'vitest'
import { type Notification, showToast, toastTime } from './toast.js'

afterEach(() => {
  vi.useRealTimers()
  document.body.replaceChildren()
})

function show(notification: Notification): { readonly host: HTMLElement; readonly text: () => string; readonly isOpen: () => boolean } {
  showToast(notification, document.body)
  const host = document.querySelector<HTMLElement>('[popover]')
  if (!host?.shadowRoot) throw new Error('There is no toast.')
  const status = host.shadowRoot.querySelector('[role=status]')
  return { host, text: () => status?.textContent ?? '', isOpen: () => host.checkVisibility() }
}

it('A toast stays for ten seconds, and for as long as Vera points at it or is in it', () => {
  vi.useFakeTimers()
  const { host, text, isOpen } = show({ text: 'Saved.' })
  vi.advanceTimersByTime(toastTime - 1)
  expect([text(), isOpen()]).toEqual(['Saved.', true])
  host.dispatchEvent(new PointerEvent('pointerenter'))
  vi.advanceTimersByTime(toastTime * 3)
  expect(isOpen()).toBe(true)
  host.dispatchEvent(new PointerEvent('pointerleave'))
  vi.advanceTimersByTime(toastTime + 1)
  expect(isOpen()).toBe(false)
})

it('A toast says why it could not undo, is one at a time, and gives the focus back', async () => {
  const before = document.createElement('button')
  document.body.append(before)
  before.focus()
  show({ text: 'Saved.' })
  const { host, text, isOpen } = show({ text: 'Deleted.', undo: () => Promise.reject(new Error('The connection has ended.')) })
  expect(document.querySelectorAll('[popover]')).toHaveLength(1)
  await expect.poll(text).toBe('Deleted.')
  const [undo, dismiss] = [...(host.shadowRoot?.querySelectorAll('button') ?? [])]
  undo?.focus()
  undo?.click()
  await expect.poll(text).toBe('The connection has ended.')
  expect(host.shadowRoot?.activeElement).toBe(dismiss)
  host.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }))
  expect([isOpen(), document.activeElement]).toEqual([false, before])
})
