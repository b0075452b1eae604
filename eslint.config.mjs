import tseslint from "typescript-eslint"

const noClock = {
  selector: "NewExpression[callee.name='Date'][arguments.length=0]",
  message: "Time comes from Clock.",
}

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "data/"] },
  ...tseslint.configs.strict,
  {
    files: ["**/*.ts"],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "@typescript-eslint/no-extraneous-class": "off",
      "@typescript-eslint/unified-signatures": "off",
      "no-console": "error",
      eqeqeq: "error",
    },
  },
  {
    files: ["src/**/*.ts"],
    rules: {
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now", message: "Time comes from Clock." },
        { object: "Math", property: "random", message: "Randomness comes from Random." },
        { object: "process", property: "env", message: "Environment variables are named in the entry files only." },
      ],
      "no-restricted-syntax": ["error", noClock],
    },
  },
  {
    files: ["src/**/*.ts"],
    ignores: ["src/*/{main,Environment}.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        noClock,
        {
          selector:
            "CallExpression[callee.object.name='Config'][callee.property.name!='literal'][arguments.0.type='Literal']",
          message: "Environment variables are named in the entry files only.",
        },
      ],
    },
  },
  { files: ["**/*.mjs"], rules: { "no-console": "off" } },
)
