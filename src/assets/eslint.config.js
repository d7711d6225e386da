// Few rules: what is a mistake, not what is a matter of taste. Types are checked by tsc.
import globals from 'globals';

const rules = {
  'eqeqeq': 'error',
  'no-undef': 'error',
  'no-unused-vars': 'error',
  'no-var': 'error',
  'prefer-const': ['error', { destructuring: 'all' }],
  'no-shadow-restricted-names': 'error',
  'no-duplicate-imports': 'error',
};

export default [
  { files: ['shared/**/*.js', 'report/**/*.js', 'live/**/*.js'], languageOptions: { globals: globals.browser }, rules },
  { files: ['tests/**/*.js', '*.js'], languageOptions: { globals: globals.node }, rules },
];
