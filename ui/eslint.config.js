import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

const restricted = (patterns) => ["error", { patterns }];

export default tseslint.config(
  { ignores: ["dist", "src/api/schema.d.ts"] },
  ...tseslint.configs.recommended,
  {
    files: ["src/**/*.{ts,tsx}"],
    plugins: { "react-hooks": hooks },
    rules: {
      "react-hooks/rules-of-hooks": "error",
      "react-hooks/exhaustive-deps": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "no-restricted-imports": restricted([
        { group: ["@tauri-apps/*"], message: "Only src/host may talk to the desktop shell." },
      ]),
      "no-restricted-syntax": [
        "error",
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: "Text from partners is text only.",
        },
      ],
    },
  },
  { files: ["src/host/**"], rules: { "no-restricted-imports": "off" } },
);
