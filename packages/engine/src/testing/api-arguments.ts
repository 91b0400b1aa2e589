import type { Rule } from '../query/sharing-rule.js'
import { findField, type ObjectSchema, standardLead } from '../schema/schema.js'
import { emptyRule } from '../query/sharing-rule.js'
import { lead } from './steps.js'

/** What the arguments are about. */
export interface ApiSubjects {
  readonly connection: string
  readonly record: string
  readonly copy: string
  readonly share: string
  readonly schema: ObjectSchema
  readonly rule: Rule
}

const nobody = 'A'.repeat(22)
const nothing: ApiSubjects = { connection: nobody, record: nobody, copy: nobody, share: nobody, schema: standardLead, rule: emptyRule }

/** Arguments of the right shape for each method of the API that has any, by `group.method`. */
export function apiArguments({ connection, record, copy, share, schema, rule }: ApiSubjects = nothing): Readonly<
  Record<string, readonly unknown[]>
> {
  const proposal = { objects: { Lead: { fields: [{ field: findField(schema, 'LastName'), update: true }] } } }
  const mappings = [{ source: 'LastName', target: 'LastName', update: true }]
  return {
    'records.schema': ['Lead'],
    'records.addField': ['Lead', { name: 'Product__c', label: 'Product', type: 'text' }],
    'records.setSchema': [schema],
    'records.get': ['Lead', record],
    'records.list': ['Lead', { search: 'a', match: 'all', conditions: [], sort: [] }],
    'records.ids': ['Lead', { search: 'a', match: 'all', conditions: [], sort: [] }],
    'records.create': ['Lead', lead('Cleo'), nobody],
    'records.createMany': ['Lead', [lead('Dora')], () => undefined],
    'records.edit': ['Lead', record, { Status: 'Working - Contacted' }],
    'records.convert': [record, { Name: 'Acme', StageName: 'Prospecting', CloseDate: '2027-03-31' }],
    'records.remove': ['Lead', record],
    'records.shares': ['Lead', record],
    'records.sharedOver': ['Lead', connection],
    'records.stopSharing': [share],
    'records.resumeSharing': [share],
    'connections.get': [connection],
    'connections.invite': ['https://app.example/'],
    'connections.cancelInvitation': [connection],
    'connections.accept': [`https://app.example/#invite=${nobody}.${'A'.repeat(43)}`],
    'connections.read': [`https://app.example/#invite=${nobody}.${'A'.repeat(43)}`],
    'connections.compareCodes': [connection, true],
    'connections.pause': [connection],
    'connections.resume': [connection],
    'connections.compareAgain': [connection],
    'connections.rename': [connection, 'Pine in Lyon'],
    'connections.remove': [connection],
    'connections.disconnect': [connection],
    'agreements.get': [connection],
    'agreements.reached': [connection, 'Lead'],
    'agreements.gaps': [connection, 'Lead'],
    'agreements.fillIn': [connection, 'Lead', ['Status']],
    'agreements.wishes': [connection],
    'agreements.ask': [connection, 'Lead', { label: 'Phone' }],
    'agreements.takeBackWish': [connection, 'wish'],
    'agreements.answerWish': [connection, 'wish', 'declined'],
    'agreements.switchObject': [connection, 'Lead', false],
    'agreements.withdraw': [connection, 'Lead', ['Status']],
    'agreements.history': [connection],
    'agreements.propose': [connection, proposal],
    'agreements.accept': [connection, { objects: { Lead: { fields: mappings } } }],
    'agreements.suggest': [connection, 'Lead', mappings],
    'agreements.preflight': [connection, 'Lead', mappings],
    'sharing.rule': [connection, 'Lead'],
    'sharing.setRule': [connection, 'Lead', rule],
    'sharing.visible': [connection, 'Lead'],
    'sharing.count': [connection, 'Lead', rule],
    'people.list': [connection],
    'people.seats': [connection],
    'people.setSeats': [connection, 4],
    'people.grant': [connection, 'paul', { objects: ['Lead'], until: 4_000_000_000_000 }],
    'people.revoke': [connection, 'paul'],
    'people.addUser': ['Victor', 'member'],
    'people.removeUser': [nobody],
    'devices.invite': [{ base: 'https://app.example/', person: { name: 'Mia' }, role: 'member' }],
    'devices.confirm': [nobody, true],
    'devices.cancel': [nobody],
    'devices.rename': [nobody, 'Laptop'],
    'devices.remove': [[nobody]],
    'devices.setRole': [nobody, 'member'],
    'recovery.confirmKit': ['{}', 'AAAA-AAAA-AAAA-AAAA-AAAA'],
    'recovery.tryKit': ['{}', 'AAAA-AAAA-AAAA-AAAA-AAAA'],
    'audit.list': [{ connection, kind: 'export' }],
    'audit.compare': [connection],
    'settings.change': [{ currency: 'EUR', locale: 'de-DE', pages: { Lead: { lists: ['mirrors'], mirrorFields: ['Status'] } } }],
    'settings.site': [connection],
    'settings.changeSite': [connection, { name: 'Deals', introduction: 'Choose.', objects: { Lead: { columns: ['Company'] } } }],
    'site.listings': [connection, 'Lead', {}],
    'site.fields': [connection, 'Lead'],
    'site.obstacle': [connection, 'Lead'],
    'site.export': [connection, 'Lead', [nobody]],
    'site.copies': [nobody],
    'site.errors': [nobody],
    'site.errorFile': [nobody],
    'site.pause': [nobody],
    'site.resume': [nobody],
    'site.cancel': [nobody],
    'site.recall': [nobody, [nobody]],
    'site.recalls': [nobody],
    'site.retry': [nobody, { [nobody]: { LastName: 'Ada' } }],
    'mirrors.of': ['Lead', copy],
    'mirrors.count': [connection],
    'changes.list': [{ object: 'Lead', connection, field: 'Status', record }],
    'changes.markSeen': [[nobody]],
    'differences.list': [{ object: 'Lead', connection, field: 'Status', stake: { currency: 'EUR', least: '1' }, sort: 'value' }],
    'drafts.of': ['Lead', record],
    'drafts.keep': ['Lead', record, { Phone: '1' }],
    'drafts.drop': ['Lead', record, ['Phone']],
    'imports.start': ['Lead', 'leads.csv', [{ values: lead('Ines') }]],
    'imports.run': [nobody, () => undefined],
    'imports.stop': [nobody],
    'imports.undo': [nobody, () => undefined],
    'history.of': ['Lead', record],
    'history.putBack': ['Lead', record, nobody, true],
    'undo.last': ['Lead', record],
    'undo.run': [nobody, () => undefined],
    'sync.settled': [10],
    'sync.openGateway': [nobody],
  }
}
