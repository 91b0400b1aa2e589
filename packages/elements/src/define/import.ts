import { defineElement } from '../base/define-element.js'
import { EntenteImport } from '../import/import.js'

defineElement('entente-import', EntenteImport)

declare global {
  interface HTMLElementTagNameMap {
    'entente-import': EntenteImport
  }
}
