import { EngineError } from '@entente/engine'
import { expect, it } from 'vitest'
import '../define.js'
import { fakeEngine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, find, mount, textOf } from '../testing/mount.js'

it('leads Vera from the warning to a kit that she has brought back, and then shows nothing', async () => {
  const engine = fakeEngine()
  const recovery = await mount('entente-recovery', { engine })
  expect(textOf(recovery)).toContain('only in this browser')
  expect(await accessibilityProblems()).toEqual([])
  button(recovery, 'Save the recovery kit').click()
  button(recovery, 'Make the kit').click()
  await expect.poll(() => textOf(recovery)).toContain('0123-4567-89AB-CDEF-GHJK')
  expect(await accessibilityProblems()).toEqual([])
  const saved: unknown[] = []
  recovery.addEventListener('entente-kit-made', (event) => {
    event.preventDefault()
    saved.push((event as CustomEvent<unknown>).detail)
  })
  button(recovery, 'Save the file').click()
  expect(saved).toEqual([{ name: `entente-recovery-kit-${'A'.repeat(8)}.json`, file: '{}' }])

  engine.refuse('confirmKit', new EngineError('INVALID', 'This passphrase does not open the kit.'))
  bring(find(recovery, 'form'), 'a file', 'AAAA')
  button(recovery, 'Check and finish').click()
  await expect.poll(() => textOf(recovery)).toContain('does not open the kit')
  // The kit stays, to be looked at again.
  expect(textOf(recovery)).toContain('0123-4567-89AB-CDEF-GHJK')
  bring(find(recovery, 'form'), 'a file', '0123 4567')
  button(recovery, 'Check and finish').click()
  await expect.poll(() => engine.calls.at(-1)).toEqual(['confirmKit', 'a file', '0123 4567'])
  await expect.poll(() => find<HTMLDialogElement>(recovery, 'dialog').open).toBe(false)
  expect(textOf(recovery)).not.toContain('0123-4567-89AB-CDEF-GHJK')

  engine.change({ kitSavedAt: 1 }, 'recovery')
  await drawn(recovery)
  expect(textOf(recovery).trim()).toBe('')
})

it('sends a member to an admin', async () => {
  const recovery = await mount('entente-recovery', { engine: fakeEngine({ role: 'member' }) })
  expect(textOf(recovery)).toContain('Ask an admin')
  expect(recovery.shadowRoot?.querySelector('button')).toBeNull()
})

function bring(form: HTMLFormElement, content: string, passphrase: string): void {
  const files = new DataTransfer()
  files.items.add(new File([content], 'kit.json'))
  const [file, words] = [form.querySelector<HTMLInputElement>('[name=file]'), form.querySelector<HTMLInputElement>('[name=passphrase]')]
  if (!file || !words) throw new Error('The form takes no kit.')
  file.files = files.files
  words.value = passphrase
}
