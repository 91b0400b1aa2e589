import {
  listValues,
  schemaWithFields,
  standardLead,
  standardOpportunity,
  type Field,
  type MappingLine,
  type ObjectSchema,
  type PicklistValue,
  type ObjectName,
} from '../schema/index.js'

export type SampleSide = 'vendor' | 'partner'

/** The vendor of the sample: standard schema, and a few fields of its own. */
export function vendorSchema(object: ObjectName): ObjectSchema {
  const standard = object === 'Lead' ? standardLead : standardOpportunity
  return { ...standard, fields: [...standard.fields, ...(object === 'Lead' ? vendorLeadFields : vendorOpportunityFields)] }
}

/**
 * The partner of the sample keeps the same things otherwise: other labels, its own stages and statuses, other custom fields. So a mapping
 * has something to do: values to pair, a text that must be cut, fields that have no counterpart.
 */
export function partnerSchema(object: ObjectName): ObjectSchema {
  return object === 'Lead' ? partnerLead() : partnerOpportunity()
}

/** A mapping of the vendor's fields to the partner's that brings every sample record across. */
export function partnerMapping(object: ObjectName): readonly MappingLine[] {
  return object === 'Lead' ? leadMapping : opportunityMapping
}

export const productLines = ['Sensors', 'Gateways', 'Analytics', 'Field Service'] as const

const vendorOpportunityFields: readonly Field[] = [
  { name: 'Product_Line__c', label: 'Product Line', type: 'picklist', picklist: listValues(productLines), custom: true },
  { name: 'Go_Live_Date__c', label: 'Go-Live Date', type: 'date', custom: true },
  { name: 'Internal_Margin__c', label: 'Internal Margin', type: 'percent', precision: 5, scale: 2, custom: true },
]

const vendorLeadFields: readonly Field[] = [
  { name: 'Product_Interest__c', label: 'Product Interest', type: 'picklist', picklist: listValues(productLines), custom: true },
]

const partnerStages: readonly PicklistValue[] = [
  { value: 'qualify', label: 'Qualify' },
  { value: 'assess', label: 'Assess' },
  { value: 'propose', label: 'Propose' },
  { value: 'negotiate', label: 'Negotiate' },
  { value: 'won', label: 'Won' },
  { value: 'lost', label: 'Lost' },
]

const partnerStatuses: readonly PicklistValue[] = [
  { value: 'new', label: 'New' },
  { value: 'in-contact', label: 'In contact' },
  { value: 'qualified', label: 'Qualified' },
  { value: 'dropped', label: 'Dropped' },
]

const partnerSolutions = listValues(['Sensors', 'Gateways', 'Data & Analytics', 'Services'])

function partnerOpportunity(): ObjectSchema {
  const base = schemaWithFields(standardOpportunity, {
    Name: { label: 'Deal', length: 80 },
    AccountName: { label: 'End Customer', length: 120 },
    Amount: { label: 'Deal Value' },
    CloseDate: { label: 'Expected Signature' },
    StageName: { label: 'Phase', picklist: partnerStages },
    NextStep: { label: 'Next Action', length: 120 },
    OwnerName: { label: 'Account Manager' },
  })
  const own: readonly Field[] = [
    { name: 'Solution__c', label: 'Solution', type: 'picklist', picklist: partnerSolutions, custom: true },
    { name: 'Vendor_Contact__c', label: 'Vendor Contact', type: 'text', length: 80, custom: true },
    { name: 'Registration__c', label: 'Deal Registration', type: 'text', length: 20, custom: true },
  ]
  return { ...base, label: 'Deal', plural: 'Deals', fields: [...base.fields, ...own] }
}

function partnerLead(): ObjectSchema {
  const base = schemaWithFields(standardLead, {
    LastName: { label: 'Surname' },
    Company: { label: 'Organisation', length: 120 },
    Status: { label: 'Progress', picklist: partnerStatuses },
    Phone: { label: 'Telephone' },
    OwnerName: { label: 'Account Manager' },
  })
  const own: readonly Field[] = [
    { name: 'Solution__c', label: 'Solution', type: 'picklist', picklist: partnerSolutions, custom: true },
    { name: 'Vendor_Contact__c', label: 'Vendor Contact', type: 'text', length: 80, custom: true },
  ]
  return { ...base, label: 'Prospect', plural: 'Prospects', fields: [...base.fields, ...own] }
}

const solutionPairs = { Sensors: 'Sensors', Gateways: 'Gateways', Analytics: 'Data & Analytics', 'Field Service': 'Services' }

const opportunityMapping: readonly MappingLine[] = [
  { source: 'Name', target: 'Name', truncate: true },
  { source: 'AccountName', target: 'AccountName', truncate: true },
  { source: 'Amount', target: 'Amount' },
  { source: 'CloseDate', target: 'CloseDate' },
  {
    source: 'StageName',
    target: 'StageName',
    default: 'qualify',
    picklist: {
      Prospecting: 'qualify',
      Qualification: 'qualify',
      'Needs Analysis': 'assess',
      'Value Proposition': 'assess',
      'Id. Decision Makers': 'assess',
      'Perception Analysis': 'propose',
      'Proposal/Price Quote': 'propose',
      'Negotiation/Review': 'negotiate',
      'Closed Won': 'won',
      'Closed Lost': 'lost',
    },
  },
  { source: 'NextStep', target: 'NextStep', truncate: true },
  { source: 'OwnerName', target: 'Vendor_Contact__c', truncate: true },
  { source: 'Product_Line__c', target: 'Solution__c', picklist: solutionPairs },
]

const leadMapping: readonly MappingLine[] = [
  { source: 'FirstName', target: 'FirstName' },
  { source: 'LastName', target: 'LastName' },
  { source: 'Company', target: 'Company', truncate: true },
  { source: 'Title', target: 'Title' },
  { source: 'Email', target: 'Email' },
  { source: 'Phone', target: 'Phone' },
  {
    source: 'Status',
    target: 'Status',
    default: 'new',
    picklist: {
      'Open - Not Contacted': 'new',
      'Working - Contacted': 'in-contact',
      'Closed - Converted': 'qualified',
      'Closed - Not Converted': 'dropped',
    },
  },
  { source: 'Rating', target: 'Rating' },
  { source: 'OwnerName', target: 'Vendor_Contact__c', truncate: true },
  { source: 'Product_Interest__c', target: 'Solution__c', picklist: solutionPairs },
]
