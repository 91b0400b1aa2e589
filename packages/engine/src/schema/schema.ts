import { refuse, type Refused } from './error.js'
import { customFieldName, parseField, type Field } from './field.js'
import {
  forecastPicklist,
  industryPicklist,
  leadSourcePicklist,
  leadStatusPicklist,
  opportunityTypePicklist,
  ratingPicklist,
  salutationPicklist,
  stagePicklist,
} from './picklists.js'

/** The objects that travel, by Salesforce's API names. */
export type ObjectName = 'Lead' | 'Opportunity'

/** What an org calls one object and which fields it has. */
export interface ObjectSchema {
  readonly object: ObjectName
  readonly label: string
  readonly plural: string
  readonly fields: readonly Field[]
  /** The field that names a record in lists and links. */
  readonly nameField: string
}

/** A changed schema, or why the change was refused. */
export type SchemaResult = { readonly ok: true; readonly schema: ObjectSchema } | Refused

/** The most fields of one object. Salesforce allows 800 custom fields in its larger editions; lists and proposals stay usable well below. */
export const maxFields = 300

/** Salesforce's standard fields of a Lead, by their API names. A lookup stands as a text (OwnerName): ids mean nothing to another org. */
export const standardLead: ObjectSchema = {
  object: 'Lead',
  label: 'Lead',
  plural: 'Leads',
  nameField: 'LastName',
  fields: [
    { name: 'Salutation', label: 'Salutation', type: 'picklist', picklist: salutationPicklist, restricted: false },
    { name: 'FirstName', label: 'First Name', type: 'text', length: 40 },
    { name: 'LastName', label: 'Last Name', type: 'text', length: 80, required: true },
    { name: 'Company', label: 'Company', type: 'text', length: 255, required: true },
    { name: 'Title', label: 'Title', type: 'text', length: 128 },
    { name: 'Email', label: 'Email', type: 'email', length: 80 },
    { name: 'Phone', label: 'Phone', type: 'phone', length: 40 },
    { name: 'MobilePhone', label: 'Mobile Phone', type: 'phone', length: 40 },
    { name: 'Fax', label: 'Fax', type: 'phone', length: 40 },
    { name: 'Website', label: 'Website', type: 'url', length: 255 },
    { name: 'LeadSource', label: 'Lead Source', type: 'picklist', picklist: leadSourcePicklist, restricted: false },
    { name: 'Status', label: 'Lead Status', type: 'picklist', picklist: leadStatusPicklist, required: true },
    { name: 'Rating', label: 'Rating', type: 'picklist', picklist: ratingPicklist },
    { name: 'Industry', label: 'Industry', type: 'picklist', picklist: industryPicklist, restricted: false },
    { name: 'AnnualRevenue', label: 'Annual Revenue', type: 'currency', precision: 18, scale: 0 },
    { name: 'NumberOfEmployees', label: 'No. of Employees', type: 'number', precision: 8, scale: 0 },
    { name: 'Street', label: 'Street', type: 'textArea', length: 255 },
    { name: 'City', label: 'City', type: 'text', length: 40 },
    { name: 'State', label: 'State/Province', type: 'text', length: 80 },
    { name: 'PostalCode', label: 'Zip/Postal Code', type: 'text', length: 20 },
    { name: 'Country', label: 'Country', type: 'text', length: 80 },
    { name: 'Description', label: 'Description', type: 'textArea', length: 32_000 },
    { name: 'OwnerName', label: 'Lead Owner', type: 'text', length: 121 },
    { name: 'DoNotCall', label: 'Do Not Call', type: 'checkbox' },
    { name: 'HasOptedOutOfEmail', label: 'Email Opt Out', type: 'checkbox' },
    { name: 'IsConverted', label: 'Converted', type: 'checkbox' },
    { name: 'ConvertedDate', label: 'Converted Date', type: 'date' },
  ],
}

/** Salesforce's standard fields of an Opportunity. AccountName, CampaignName and OwnerName stand for lookups. */
export const standardOpportunity: ObjectSchema = {
  object: 'Opportunity',
  label: 'Opportunity',
  plural: 'Opportunities',
  nameField: 'Name',
  fields: [
    { name: 'Name', label: 'Opportunity Name', type: 'text', length: 120, required: true },
    { name: 'AccountName', label: 'Account Name', type: 'text', length: 255 },
    { name: 'Amount', label: 'Amount', type: 'currency', precision: 18, scale: 2 },
    { name: 'CloseDate', label: 'Close Date', type: 'date', required: true },
    { name: 'StageName', label: 'Stage', type: 'picklist', picklist: stagePicklist, required: true },
    { name: 'Probability', label: 'Probability (%)', type: 'percent', precision: 3, scale: 0 },
    { name: 'ForecastCategoryName', label: 'Forecast Category', type: 'picklist', picklist: forecastPicklist },
    { name: 'Type', label: 'Type', type: 'picklist', picklist: opportunityTypePicklist, restricted: false },
    { name: 'LeadSource', label: 'Lead Source', type: 'picklist', picklist: leadSourcePicklist, restricted: false },
    { name: 'NextStep', label: 'Next Step', type: 'text', length: 255 },
    { name: 'Description', label: 'Description', type: 'textArea', length: 32_000 },
    { name: 'IsPrivate', label: 'Private', type: 'checkbox' },
    { name: 'TotalOpportunityQuantity', label: 'Quantity', type: 'number', precision: 18, scale: 2 },
    { name: 'CampaignName', label: 'Primary Campaign Source', type: 'text', length: 80 },
    { name: 'OwnerName', label: 'Opportunity Owner', type: 'text', length: 121 },
  ],
}

/** Salesforce's standard schema of an object. */
export function standardSchema(object: ObjectName): ObjectSchema {
  return object === 'Lead' ? standardLead : standardOpportunity
}

/** The field of that API name, case included. */
export function findField(schema: ObjectSchema, name: string): Field | undefined {
  return schema.fields.find((field) => field.name === name)
}

/**
 * Adds a field of the org's own.
 *
 * Refuses with FIELD for a name that does not end in `__c` or is taken, a bad shape, or a 301st field; with UNSUPPORTED for a type that does not travel.
 */
export function addCustomField(schema: ObjectSchema, input: unknown): SchemaResult {
  const parsed = parseField(input)
  if (!parsed.ok) return parsed
  const { field } = parsed
  if (!customFieldName.test(field.name)) {
    return refuse(
      'FIELD',
      field.name,
      'custom name',
      'A custom field name must begin with a letter and end in __c.',
      'Rename the field, for example Product__c.',
    )
  }
  // Salesforce compares names without case, and two names that differ by case alone would be mixed up.
  if (schema.fields.some((known) => known.name.toLowerCase() === field.name.toLowerCase())) {
    return takenName(field.name)
  }
  if (schema.fields.length >= maxFields) {
    return refuse('FIELD', field.name, 'field count', `The object already has ${maxFields} fields.`, 'Remove one first.')
  }
  return { ok: true, schema: { ...schema, fields: [...schema.fields, { ...field, custom: true }] } }
}

/** The refusal of a field whose name the object has already. */
export function takenName(name: string): Extract<SchemaResult, { ok: false }> {
  return refuse('FIELD', name, 'unique name', 'The object already has a field of that name.', 'Choose another name.')
}

/** Removes a field of the org's own. Stored values stay. Refuses with FIELD for a standard field, or a name that is not there. */
export function removeCustomField(schema: ObjectSchema, name: string): SchemaResult {
  const field = findField(schema, name)
  if (field?.custom !== true) {
    return refuse('FIELD', name, 'custom field', 'The object has no custom field of that name.', 'Check the name.')
  }
  return { ok: true, schema: { ...schema, fields: schema.fields.filter((known) => known !== field) } }
}

/** The same schema with other words or values for some of its fields. An unknown name is ignored. */
export function schemaWithFields(
  schema: ObjectSchema,
  changes: Readonly<Record<string, Partial<Omit<Field, 'name' | 'type' | 'custom'>>>>,
): ObjectSchema {
  const fields = schema.fields.map((field) => (Object.hasOwn(changes, field.name) ? { ...field, ...changes[field.name] } : field))
  return { ...schema, fields }
}
