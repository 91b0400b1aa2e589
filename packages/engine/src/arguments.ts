import { roles } from '@entente/protocol'
import * as v from 'valibot'
import { objectNames } from './agree/narrow-proposal.js'
import type { Engine } from './api/index.js'
import { EngineError } from './error.js'
import { operators } from './query/condition.js'

// The shape of every argument of the API, as far as a method relies on it. A page in TypeScript cannot get it wrong; any other page can.

/** The groups of methods that an engine has. */
export type GroupName = Exclude<keyof Engine, 'org' | 'user' | 'watch' | 'close'>

/** The shape of one argument, and the words by which a person knows it. */
interface Shape {
  readonly name: string
  readonly expected: string
  readonly schema: v.GenericSchema
}

const shape = (name: string, expected: string, schema: v.GenericSchema): Shape => ({ name, expected, schema })
const optional = ({ name, expected, schema }: Shape): Shape => ({ name, expected: `${expected}, or nothing`, schema: v.optional(schema) })

/** A giant is refused before anything looks at it closely. */
const text = (most: number) => v.pipe(v.string(), v.maxLength(most))
const list = (item: v.GenericSchema, most: number) => v.pipe(v.array(item), v.maxLength(most))
const isPlain = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)
const plainObject = v.custom<object>(isPlain, 'an object')
/** A list of so many that a schema for each would take longer than a page may stand still. */
const longList = (isItem: (item: unknown) => boolean) =>
  v.custom<readonly unknown[]>((value) => Array.isArray(value) && value.length <= mostRecords && value.every(isItem), 'a list')
const mostIds = 100_000
const mostRecords = 1_000_000

const mostId = 200
const idText = text(mostId)
const id = (name: string): Shape => shape(name, 'the id as a text', idText)
const object = shape('object', '“Lead” or “Opportunity”', v.picklist(objectNames))
const drafted = shape('object', 'what a form edits', v.picklist([...objectNames, 'Agreement', 'SharingRule']))
const connection = id('connection')

const kit = [
  shape('file', 'the content of the file as a text', text(100_000)),
  shape('passphrase', 'the passphrase as a text', text(1_000)),
]

const conditions = list(v.looseObject({ field: text(255), operator: v.picklist(operators), value: v.optional(v.unknown()) }), 1_000)
const match = v.picklist(['all', 'any'])
const query = optional(
  shape(
    'query',
    'an object with search, match, conditions and sort',
    v.looseObject({
      search: v.optional(text(10_000)),
      match: v.optional(match),
      conditions: v.optional(conditions),
      sort: v.optional(list(v.looseObject({ field: text(255), direction: v.picklist(['ascending', 'descending']) }), 100)),
    }),
  ),
)
const rule = shape(
  'rule',
  'an object with match (“all” or “any”), conditions, added and hidden',
  v.looseObject({
    match,
    conditions,
    added: list(idText, mostIds),
    hidden: list(idText, mostIds),
    copies: v.optional(v.boolean()),
  }),
)

const field = shape('field', 'an object that describes a field', plainObject)
const schema = shape(
  'schema',
  'an object with object, label, plural and fields',
  v.looseObject({
    object: v.picklist(objectNames),
    label: v.pipe(text(80), v.minLength(1)),
    plural: v.pipe(text(80), v.minLength(1)),
    fields: list(plainObject, 1_000),
  }),
)
const values = shape('values', 'an object with values by field', plainObject)

const mapping = v.looseObject({ source: text(255), target: text(255), update: v.boolean() })
const mappings = shape('mappings', 'a list of objects with source, target and update', list(mapping, 1_000))
const perObject = (part: v.GenericSchema) =>
  v.looseObject({
    version: v.optional(v.number()),
    objects: v.strictObject({ Lead: v.exactOptional(part), Opportunity: v.exactOptional(part) }),
  })
const proposal = shape(
  'proposal',
  'an object with the fields of leads, of opportunities or of both',
  perObject(v.looseObject({ fields: list(v.looseObject({ field: v.looseObject({ name: text(255) }), update: v.boolean() }), 1_000) })),
)
const acceptance = shape(
  'acceptance',
  'an object with the mappings of leads, of opportunities or of both',
  perObject(v.looseObject({ fields: list(mapping, 1_000), defaults: v.exactOptional(plainObject), owner: v.exactOptional(text(255)) })),
)

const isImportRow = (row: unknown): boolean => {
  if (!isPlain(row) || !('values' in row) || !isPlain(row.values)) return false
  return !('id' in row) || row.id === undefined || (typeof row.id === 'string' && row.id.length <= mostId)
}

/** By what changes and differences are chosen. */
const wanted = { object: v.exactOptional(v.picklist(objectNames)), connection: v.exactOptional(idText), field: v.exactOptional(text(255)) }

const recordPage = v.nullable(v.looseObject({ lists: list(text(20), 10), mirrorFields: v.exactOptional(list(text(255), 1_000)) }))

const yesOrNo = (name: string): Shape => shape(name, 'true or false', v.boolean())
const whole = (name: string): Shape => shape(name, 'a number', v.number())
const changeId = shape('change', 'the id of a change', text(400))
const listener = shape('listener', 'a function', v.function())

/** The arguments of each method, in order. A method that is missing here is a type error. */
const argumentsByGroup: { readonly [Group in GroupName]: { readonly [Name in keyof Engine[Group]]: readonly Shape[] } } = {
  records: {
    schema: [object],
    addField: [object, field],
    setSchema: [schema],
    get: [object, id('id')],
    list: [object, query],
    ids: [object, query],
    create: [object, values, optional(id('draft'))],
    createMany: [object, shape('rows', 'a list of objects', longList(isPlain)), optional(listener)],
    edit: [object, id('id'), values],
    convert: [id('lead'), values],
    remove: [object, id('id')],
    shares: [object, id('id')],
    sharedOver: [object, connection],
    stopSharing: [id('share')],
    resumeSharing: [id('share')],
  },
  connections: {
    list: [],
    get: [id('id')],
    invite: [shape('base', 'the address of a page as a text', text(2_000))],
    cancelInvitation: [id('id')],
    accept: [shape('link', 'the link as a text', text(10_000))],
    read: [shape('link', 'the link as a text', text(10_000))],
    compareCodes: [id('id'), yesOrNo('same')],
    pause: [id('id')],
    resume: [id('id')],
    compareAgain: [id('id')],
    rename: [id('id'), shape('name', 'a text', text(1_000))],
    remove: [id('id')],
    disconnect: [id('id')],
  },
  agreements: {
    get: [connection],
    reached: [connection, object],
    gaps: [connection, object],
    fillIn: [connection, object, shape('fields', 'a list of API names', list(text(255), 1_000)), optional(listener)],
    wishes: [connection],
    ask: [
      connection,
      object,
      shape(
        'wish',
        'an object with label, update and reason',
        v.looseObject({ label: text(10_000), update: v.optional(v.boolean()), reason: v.optional(text(10_000)) }),
      ),
    ],
    takeBackWish: [connection, id('wish')],
    answerWish: [connection, id('wish'), shape('answer', '“offered” or “declined”', v.picklist(['offered', 'declined']))],
    switchObject: [connection, object, yesOrNo('on')],
    withdraw: [connection, object, shape('fields', 'a list of API names', list(text(255), 1_000))],
    history: [connection],
    propose: [connection, proposal],
    accept: [connection, acceptance],
    suggest: [connection, object, optional(mappings)],
    preflight: [connection, object, mappings],
  },
  sharing: {
    rule: [connection, object],
    setRule: [connection, object, rule],
    visible: [connection, object],
    count: [connection, object, rule],
  },
  people: {
    list: [connection],
    seats: [connection],
    setSeats: [connection, whole('total')],
    grant: [
      connection,
      id('person'),
      optional(
        shape(
          'terms',
          'an object with objects, until or both',
          v.looseObject({ objects: v.exactOptional(list(v.picklist(objectNames), 10)), until: v.exactOptional(v.number()) }),
        ),
      ),
    ],
    revoke: [connection, id('person')],
    users: [],
    addUser: [shape('name', 'the name as a text', text(10_000)), shape('role', '“admin” or “member”', v.picklist(['admin', 'member']))],
    removeUser: [id('id')],
  },
  devices: {
    list: [],
    invitations: [],
    invite: [
      shape(
        'invitation',
        'an object with base, person and role',
        v.looseObject({
          base: text(2_000),
          person: v.union([idText, v.looseObject({ name: text(10_000) })]),
          role: v.picklist(roles),
        }),
      ),
    ],
    confirm: [id('id'), yesOrNo('same')],
    cancel: [id('id')],
    rename: [id('device'), shape('name', 'the name as a text', text(10_000))],
    remove: [shape('devices', 'a list of ids', list(idText, 100))],
    rotate: [],
    keys: [],
    setRole: [id('device'), shape('role', '“admin”, “member” or “agent”', v.picklist(roles))],
  },
  site: {
    listings: [connection, object, query],
    fields: [connection, object],
    obstacle: [connection, optional(object)],
    export: [connection, object, shape('listings', 'a list of ids', list(idText, mostIds))],
    copies: [id('job')],
    jobs: [],
    errors: [id('job')],
    errorFile: [id('job')],
    pause: [id('job')],
    resume: [id('job')],
    cancel: [id('job')],
    retry: [id('job'), optional(shape('corrections', 'an object with values by listing and field', v.record(idText, plainObject)))],
    recall: [id('job'), optional(shape('records', 'a list of ids', list(idText, mostIds)))],
    recalls: [id('job')],
  },
  mirrors: { of: [object, id('record')], count: [connection] },
  changes: {
    list: [
      optional(
        shape(
          'query',
          'an object with object, connection, field and record',
          v.looseObject({ ...wanted, record: v.exactOptional(idText) }),
        ),
      ),
    ],
    count: [],
    markSeen: [optional(shape('ids', 'a list of ids', list(text(300), mostRecords)))],
  },
  differences: {
    list: [
      optional(
        shape(
          'query',
          'an object with object, connection, field, stake and sort',
          v.looseObject({
            ...wanted,
            stake: v.exactOptional(v.looseObject({ currency: text(10), least: v.exactOptional(text(64)) })),
            sort: v.exactOptional(v.picklist(['field', 'value'])),
          }),
        ),
      ),
    ],
  },
  sync: {
    status: [],
    cut: [],
    mend: [],
    settled: [shape('ms', 'a number of milliseconds, 0 or more', v.pipe(v.number(), v.finite(), v.minValue(0)))],
    openGateway: [id('mirror')],
  },
  recovery: {
    status: [],
    makeKit: [],
    confirmKit: kit,
    tryKit: kit,
    backup: [],
    confirmAge: [],
  },
  audit: {
    list: [
      optional(
        shape(
          'query',
          'an object with connection, kind, after and limit',
          v.object({
            connection: v.optional(idText),
            kind: v.optional(text(40)),
            after: v.optional(v.pipe(v.number(), v.integer())),
            limit: v.optional(v.pipe(v.number(), v.integer())),
          }),
        ),
      ),
    ],
    verify: [],
    compare: [connection],
  },
  settings: {
    read: [],
    change: [
      shape(
        'settings',
        'an object with a currency, a locale or pages',
        v.strictObject({
          currency: v.exactOptional(text(10)),
          locale: v.exactOptional(v.nullable(text(100))),
          pages: v.exactOptional(v.strictObject({ Lead: v.exactOptional(recordPage), Opportunity: v.exactOptional(recordPage) })),
        }),
      ),
    ],
    site: [connection],
    changeSite: [
      connection,
      shape(
        'site',
        'an object with name, introduction and objects',
        v.looseObject({
          name: text(10_000),
          introduction: text(10_000),
          objects: v.strictObject({ Lead: v.exactOptional(plainObject), Opportunity: v.exactOptional(plainObject) }),
        }),
      ),
    ],
  },
  drafts: {
    list: [],
    of: [drafted, id('id')],
    keep: [drafted, id('id'), values],
    drop: [drafted, id('id'), optional(shape('fields', 'a list of API names', list(text(255), 1_000)))],
  },
  imports: {
    list: [],
    start: [
      object,
      shape('name', 'the name as a text', text(10_000)),
      shape('rows', 'a list of objects with values', longList(isImportRow)),
    ],
    run: [id('import'), optional(listener)],
    stop: [id('import')],
    undo: [id('import'), optional(listener)],
  },
  history: { of: [object, id('record')], putBack: [object, id('record'), changeId, optional(yesOrNo('anyway'))] },
  undo: { list: [], last: [object, id('record')], run: [id('step'), optional(listener)] },
}

/** The most parts of one argument, and the deepest. What is beyond is no argument that a person made. */
const mostParts = 20_000_000
const mostDepth = 32

/**
 * Checks the arguments of a call, so that no method meets a shape that it does not know.
 *
 * @returns the arguments as plain data of their own: no getter runs later, and nobody changes them during the call
 * @throws EngineError INVALID, which names the argument and what it should be, and never what it was
 */
export function checkArguments(group: GroupName, method: string, args: readonly unknown[]): readonly unknown[] {
  const shapes: Readonly<Record<string, readonly Shape[]>> = argumentsByGroup[group]
  return (shapes[method] ?? []).map(({ name, expected, schema: needed }, index) => {
    try {
      const argument = toPlain(args[index], { parts: 0 }, 0)
      if (v.is(needed, argument)) return argument
    } catch {
      // A getter or a proxy that throws, or a value that holds itself.
    }
    const message = `${group}.${method} takes ${expected} as “${name}”.`
    throw new EngineError('INVALID', `${message} Correct the call.`, [
      { code: 'TYPE', field: name, rule: 'argument', message, fix: 'Correct the call.' },
    ])
  })
}

function toPlain(value: unknown, walk: { parts: number }, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > mostDepth || ++walk.parts > mostParts) throw new RangeError('The argument is too deep or has too many parts.')
  if (Array.isArray(value)) return value.map((part) => toPlain(part, walk, depth + 1))
  const prototype: unknown = Object.getPrototypeOf(value)
  // The object of another window has a prototype of its own, which has none.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return value
  // An import's rows are all copied in one task: a list of entries for each would take three times as long.
  const copy: Record<string, unknown> = { ...value }
  for (const name of Object.keys(copy)) {
    const part = copy[name]
    if (typeof part === 'object' && part !== null) copy[name] = toPlain(part, walk, depth + 1)
  }
  return copy
}
