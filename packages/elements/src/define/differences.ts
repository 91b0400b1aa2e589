import { defineElement } from '../base/define-element.js'
import { EntenteDifferences } from '../peers/differences.js'

defineElement('entente-differences', EntenteDifferences)

declare global {
  interface HTMLElementTagNameMap {
    'entente-differences': EntenteDifferences
  }
}
