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

it('lets Vera try a kit before and after it was saved: it says what comes back, and confirms nothing', async () => {
  for (const kitSavedAt of [undefined, Date.UTC(2027, 0, 2)]) {
    const engine = fakeEngine({ kitSavedAt, ...(kitSavedAt !== undefined && { foundSigned: undefined }) })
    const recovery = await mount('entente-recovery', { engine, manage: true })
    button(recovery, kitSavedAt === undefined ? 'Save the recovery kit' : 'Try the kit').click()
    bring(find(recovery, 'form'), 'a file', '0123 4567')
    button(recovery, 'Try it').click()
    await expect
      .poll(() => textOf(recovery))
      .toContain('The kit works. It brings back 120 leads, 8 opportunities and 2 connections of Vera.')
    expect(textOf(recovery)).toContain(kitSavedAt === undefined ? 'A device of your org signed it' : 'No device has signed this state yet')
    expect(await accessibilityProblems()).toEqual([])
    expect(engine.calls).toEqual([['tryKit', 'a file', '0123 4567']])
    recovery.remove()
  }
})

it('saves a backup where Vera looks after the kit, and says why there is none', async () => {
  const engine = fakeEngine({ kitSavedAt: 1 })
  const recovery = await mount('entente-recovery', { engine, manage: true })
  const saved: { readonly name: string; readonly blob: Blob }[] = []
  recovery.addEventListener('entente-backup-made', (event) => {
    event.preventDefault()
    saved.push((event as CustomEvent<(typeof saved)[number]>).detail)
  })
  engine.refuse('backup', new EngineError('NOT_ALLOWED', 'Save the recovery kit first.'))
  button(recovery, 'Save a backup').click()
  await expect.poll(() => textOf(recovery)).toContain('Save the recovery kit first.')
  button(recovery, 'Save a backup').click()
  await expect.poll(() => saved.length).toBe(1)
  expect(saved[0]?.name).toMatch(/^entente-A{8}-[0-9-]{10}\.entente-backup$/)
  expect(saved[0]?.blob.size).toBe(3)
})

it('asks on a restored device whether that is the latest state', async () => {
  const engine = fakeEngine({ kitSavedAt: 1, age: 'open' })
  const recovery = await mount('entente-recovery', { engine })
  expect(textOf(recovery)).toContain('nothing signed says whether this is its latest state')
  expect(await accessibilityProblems()).toEqual([])
  button(recovery, 'It is the latest').click()
  await expect.poll(() => engine.calls).toEqual([['confirmAge']])
  engine.change({ age: 'known' }, 'recovery')
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
