/// Language models, and what is built around them.
extension RedactionRule {
    static let models: [RedactionRule] = [
        RedactionRule(
            "anthropic-key", #"\bsk-ant-[a-z]{2,10}\d{0,2}-[A-Za-z0-9_\-]{20,200}"#,
            source: "docs.anthropic.com/en/api/overview; Claude Code's settings document (sk-ant-oat01)",
            examples: ["sk-ant-api03-{word:93}AA", "sk-ant-oat01-{word:93}AA", "sk-ant-admin01-{word:93}AA"],
            nearMisses: ["sk-ant-api03-", "sk-ant-api03-..."]),
        RedactionRule(
            "openrouter-key", #"\bsk-or-(?:v1-)?[a-f0-9]{48,64}\b"#,
            source: "openrouter.ai/docs/api-reference/authentication",
            examples: ["sk-or-v1-{hex:64}"], nearMisses: ["sk-or-v1-{hex:10}"]),
        RedactionRule(
            "langfuse-key", #"\bsk-lf-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"#,
            source: "langfuse.com/docs/api-and-data-platform/features/public-api", examples: ["sk-lf-{uuid}"],
            nearMisses: ["pk-lf-{uuid}", "{uuid}"]),
        RedactionRule(
            "openai-key",
            #"\bsk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_\-]{20,200}|[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|[A-Za-z0-9]{48})"#,
            source: "platform.openai.com/docs/api-reference/authentication",
            examples: [
                "sk-proj-{word:74}T3BlbkFJ{word:74}", "sk-{alnum:20}T3BlbkFJ{alnum:20}", "sk-svcacct-{word:100}",
            ],
            nearMisses: ["sk-proj-", "sk-{alnum:12}"]),
        RedactionRule(
            "secret-key", #"\bsk-[A-Za-z0-9][A-Za-z0-9_\-]{19,200}"#, entropy: 3.5, isMixed: true,
            source:
                "the prefix that OpenAI's imitators use: api-docs.deepseek.com, platform.stability.ai, dashscope, LiteLLM",
            examples: ["sk-{hex:32}", "sk-{alnum:40}"],
            nearMisses: ["sk-loading-indicator-container", "task-{hex:32}", "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxx"]),
        RedactionRule(
            "huggingface-token", #"\b(?:hf_[A-Za-z0-9]{30,40}|api_org_[A-Za-z0-9]{34})\b"#,
            source: "huggingface.co/docs/hub/security-tokens", examples: ["hf_{alpha:34}", "api_org_{alpha:34}"],
            nearMisses: ["hf_{alpha:10}", "hf_hub_download"]),
        RedactionRule(
            "replicate-token", #"\br8_[A-Za-z0-9]{37,40}\b"#, source: "replicate.com/docs/topics/security/api-tokens",
            examples: ["r8_{alnum:37}"], nearMisses: ["r8_{alnum:12}"]),
        RedactionRule(
            "groq-key", #"\bgsk_[A-Za-z0-9]{48,56}\b"#, source: "console.groq.com/docs/quickstart",
            examples: ["gsk_{alnum:52}"], nearMisses: ["gsk_{alnum:20}"]),
        RedactionRule(
            "perplexity-key", #"\bpplx-[A-Za-z0-9]{40,64}\b"#, source: "docs.perplexity.ai/guides/getting-started",
            examples: ["pplx-{alnum:48}"], nearMisses: ["pplx-{alnum:10}", "pplx-7b-online"]),
        RedactionRule(
            "xai-key", #"\bxai-[A-Za-z0-9]{70,90}\b"#, source: "docs.x.ai/docs/tutorial",
            examples: ["xai-{alnum:80}"], nearMisses: ["xai-{alnum:20}"]),
        RedactionRule(
            "fireworks-key", #"\bfw_[A-Za-z0-9]{22,26}\b"#, isMixed: true,
            source: "docs.fireworks.ai/api-reference/introduction",
            examples: ["fw_7{alnum:23}"], nearMisses: ["fw_{alnum:8}"]),
        RedactionRule(
            "together-key", #"\btgp_v1_[A-Za-z0-9_\-]{40,50}"#, source: "docs.together.ai/reference/authentication-1",
            examples: ["tgp_v1_{word:43}"], nearMisses: ["tgp_v1_{word:12}"]),
        RedactionRule(
            "elevenlabs-key", #"\bsk_[a-f0-9]{48}\b"#, source: "elevenlabs.io/docs/api-reference/authentication",
            examples: ["sk_{hex:48}"], nearMisses: ["sk_{hex:20}"]),
        RedactionRule(
            "langsmith-key", #"\b(?:lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}|ls__[a-f0-9]{32})\b"#,
            source:
                "docs.smith.langchain.com/administration/how_to_guides/organization_management/create_account_api_key",
            examples: ["lsv2_pt_{hex:32}_{hex:10}", "ls__{hex:32}"], nearMisses: ["lsv2_pt_{hex:12}"]),
        RedactionRule(
            "pinecone-key", #"\bpcsk_[A-Za-z0-9]{4,8}_[A-Za-z0-9]{50,70}\b"#,
            source: "docs.pinecone.io/guides/projects/manage-api-keys", examples: ["pcsk_{alnum:5}_{alnum:63}"],
            nearMisses: ["pcsk_{alnum:5}_{alnum:9}"]),
        RedactionRule(
            "voyage-key", #"\b((?:pa-|al-)[A-Za-z0-9_\-]{43})(?:[^\w\-]|$)"#, entropy: 3.8, isMixed: true,
            source: "docs.voyageai.com/docs/api-key-and-installation", examples: ["pa-{alnum:43}", "al-{alnum:43}"],
            nearMisses: ["pa-{alnum:20}"]),
        RedactionRule(
            "cerebras-key", #"\bcsk-[a-z0-9]{40,56}\b"#, source: "inference-docs.cerebras.ai/quickstart",
            examples: ["csk-{lowerdigit:48}"], nearMisses: ["csk-{lowerdigit:12}"]),
        RedactionRule(
            "nvidia-key", #"\bnvapi-[A-Za-z0-9_\-]{60,70}"#, source: "docs.nvidia.com/nim, API keys",
            examples: ["nvapi-{word:64}"], nearMisses: ["nvapi-{word:12}"]),
        RedactionRule(
            "tavily-key", #"\btvly-(?:dev-|prod-)?[A-Za-z0-9]{24,40}\b"#,
            source: "docs.tavily.com/documentation/quickstart",
            examples: ["tvly-dev-{alnum:32}", "tvly-{alnum:32}"], nearMisses: ["tvly-{alnum:9}"]),
        RedactionRule(
            "jina-key", #"\bjina_[A-Za-z0-9_\-]{50,70}"#, source: "jina.ai/api-dashboard",
            examples: ["jina_{alnum:32}{word:28}"], nearMisses: ["jina_embeddings_v3"]),
        RedactionRule(
            "runpod-key", #"\brpa_[A-Z0-9]{38,50}[A-Za-z0-9]{0,8}\b"#, source: "docs.runpod.io/get-started/api-keys",
            examples: ["rpa_{upperdigit:40}{alnum:6}"], nearMisses: ["rpa_{upperdigit:12}"]),
        RedactionRule(
            "e2b-key", #"\b(?:e2b|sk_e2b)_[a-f0-9]{40}\b"#, source: "e2b.dev/docs/api-key",
            examples: ["e2b_{hex:40}", "sk_e2b_{hex:40}"], nearMisses: ["e2b_{hex:8}"]),
        RedactionRule(
            "firecrawl-key", #"\bfc-[a-f0-9]{32}\b"#, source: "docs.firecrawl.dev/api-reference/introduction",
            examples: ["fc-{hex:32}"], nearMisses: ["fc-{hex:12}"]),
        RedactionRule(
            "cursor-key", #"\b(?:key|crsr)_[a-f0-9]{64}\b"#, source: "cursor.com/docs/cli/reference/authentication",
            examples: ["key_{hex:64}", "crsr_{hex:64}"], nearMisses: ["key_{hex:20}"]),
        RedactionRule(
            "helicone-key", #"\bsk-helicone-[a-z0-9\-]{20,60}\b"#,
            source: "docs.helicone.ai/getting-started/quick-start",
            examples: ["sk-helicone-{lowerdigit:7}-{lowerdigit:7}-{lowerdigit:7}-{lowerdigit:7}"],
            nearMisses: ["sk-helicone-x"]),
        RedactionRule(
            "context7-key", #"\bctx7(?:sk|op)-[A-Za-z0-9_\-]{24,64}"#, entropy: 3, isMixed: true,
            source: "context7.com/docs/howto/api-keys; context7.com/docs/enterprise/api/authentication",
            examples: ["ctx7sk-{uuid}", "--api-key ctx7op-{alnum:7}7_{alnum:16}"],
            nearMisses: ["ctx7sk-**********************", "ctx7sk-test-secret"]),
    ]
}
