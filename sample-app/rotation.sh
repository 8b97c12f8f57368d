MASTER_KEY=$(npm run --silent master-key); while sleep 0.1; do curl -s -o /dev/null -w '%{http_code}\n' http://127.0.0.1:3000/v1/chat/completions -H "Authorization: Bearer $MASTER_KEY" -H 'content-type: application/json' -d '{"model":"echo","messages":[{"role":"user","content":"Hello"}]}'; done &
curl -s -X POST http://127.0.0.1:3001/keys | npm run --silent secret -- set OPENAI_API_KEY
curl -s -X DELETE http://127.0.0.1:3001/keys/old
