import { EngineError, standardSchema } from '@entente/engine'
import { expect, it } from 'vitest'
import './define.js'
import { type FakeEngine, fakeEngine, quietLine, type Scene } from './testing/fake-engine.js'
import { button, drawn, mount } from './testing/mount.js'
import { agreed, connected, connectionId, field, job, mirror, opportunity, share, signedFeeds } from './testing/scenes.js'

// A peer chooses names and labels that read backwards, end early, or hide a part. No element lets them loose, wherever it shows them: in text, in a heading, on a
// button, or as what a screen reader says.

const strange = 'a\u202egnp.exe\u0007\u2066b\u200f'
/** What a peer, or whoever writes a file, may choose. */
const chosen = new Set(['peerName', 'label', 'name', 'message', 'fix', 'integrationUser', 'reason'])

const label = (name: string) => ({ ...field(name), label: `${field(name).label}${strange}` })
const agreement = agreed()
const proposal = {
  version: 2,
  hash: 'p'.repeat(43),
  objects: {
    Opportunity: { fields: ['Name', 'StageName', 'NextStep'].map((name) => ({ field: label(name), update: true, sample: undefined })) },
  },
}

const error = {
  record: 'a',
  field: 'StageName',
  rule: 'offered value',
  code: 'RANGE' as const,
  message: `No ${strange}.`,
  fix: `Map ${strange}.`,
}
const scene: Partial<Scene> = {
  schemas: {
    Opportunity: { ...standardSchema('Opportunity'), fields: standardSchema('Opportunity').fields.map((each) => label(each.name)) },
  },
  records: [opportunity('a', { Name: strange, NextStep: strange, LeadSource: strange })],
  shares: [share({ outbound: 'ExportSubscribeFieldMapError', errors: [error] })],
  connections: [connected(), connected({ id: 'DDDDDDDDDDDDDDDDDDDDDD' as typeof connectionId, state: 'Error', problem: strange })],
  agreement,
  mirrors: [mirror()],
  jobs: [job({ failed: 1, done: true })],
  jobErrors: [
    {
      ...error,
      listing: 'l',
      status: 'ExportSubscribeFieldMapError',
      name: strange,
      label: strange,
      value: strange,
      correct: label('NextStep'),
    },
  ],
  people: [{ id: 'paul', name: `Paul${strange}`, granted: true, seated: true, objects: ['Lead'], until: undefined }],
  obstacle: new EngineError('NOT_CONNECTED', `Not agreed with ${strange}.`),
  sync: { ...quietLine, signed: signedFeeds({ state: 'differs', records: [{ object: 'Opportunity', id: 'a' }] }), problems: [] },
}

const tags = [
  ['entente-external', { record: 'a' }],
  ['entente-shares', { record: 'a' }],
  ['entente-record', { record: 'a' }],
  ['entente-records', {}],
  ['entente-jobs', { connection: connectionId }],
  ['entente-people', { connection: connectionId }],
  ['entente-sharing', { connection: connectionId }],
  ['entente-connect', {}],
  ['entente-status', {}],
  ['entente-agreement', { connection: connectionId }],
] as const

it.each(tags)('<%s> shows no hidden or turning character of a name as it came (row 65)', async (tag, properties) => {
  const element = await mount(tag, { engine: engine(scene), ...properties })
  expect(loose(element)).toEqual([])
})

it('nor does the agreement while it is proposed, accepted and refused', async () => {
  for (const side of ['vendor', 'partner'] as const) {
    for (const turn of ['vendor', 'partner'] as const) {
      const at = { ...agreement, side, turn, state: 'proposed', proposal, effective: undefined } as unknown as Scene['agreement']
      const shown = engine({ ...scene, connections: [connected({ side })], agreement: at })
      const element = await mount('entente-agreement', { engine: shown, connection: connectionId })
      expect(loose(element)).toEqual([])
    }
  }
})

it('nor does a refusal', async () => {
  const refusing = engine(scene)
  refusing.refuse('stopSharing', new EngineError('INVALID', `“${strange}” cannot be stopped.`, [error]))
  const element = await mount('entente-shares', { engine: refusing, record: 'a' })
  button(element, 'Stop sharing').click()
  await drawn(element)
  expect(loose(element)).toEqual([])
})

/** An engine whose peers chose strange names for everything that they may name. */
function engine(part: Partial<Scene>): FakeEngine {
  return fakeEngine(strangely(part) as Partial<Scene>)
}

function strangely(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return chosen.has(key) && !value.includes(strange) ? `${value}${strange}` : value
  if (Array.isArray(value)) return value.map((each) => strangely(each))
  if (typeof value !== 'object' || value === null || value instanceof Error) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, name === 'name' && 'type' in value ? inner : strangely(inner, name)]),
  )
}

/** Where a character that turns or hides text stands in what is shown or said. */
function loose(root: Element | ShadowRoot): readonly string[] {
  const found: string[] = []
  const hidden = /(?![\t\n\r])\p{Cc}|[\u202a-\u202e\u2066-\u2069\u200e\u200f]/u
  for (const element of root.querySelectorAll('*')) {
    for (const { name, value } of element.attributes)
      if (name !== 'value' && hidden.test(value)) found.push(`${element.localName}[${name}]`)
    for (const node of element.childNodes)
      if (node.nodeType === Node.TEXT_NODE && hidden.test(node.nodeValue ?? ''))
        found.push(`${element.localName}: ${JSON.stringify(node.nodeValue)}`)
    if (element.shadowRoot) found.push(...loose(element.shadowRoot))
  }
  if (root instanceof Element && root.shadowRoot) found.push(...loose(root.shadowRoot))
  return found
}
