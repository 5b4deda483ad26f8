//go:build ignore

// Writes go.tsv: what Go itself makes of templates. Run it after adding one: go run go.go > go.tsv
package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/template"
)

var data = map[string]any{
	"NAME": "app", "EMPTY": "", "N": 3, "YES": true, "NO": false,
	"LIST": []string{"a", "b", "c"}, "NONE": []string{},
	"MAP": map[string]any{"x": "1", "y": map[string]any{"z": "deep"}},
}

var templates = []string{
	"plain", "{{.NAME}}", "v{{ .NAME }}-{{.N}}", "{{.MISSING}}", "{{.MAP.y.z}}", "{{.MAP.q}}", "{{.MISSING.x}}", "{{.NAME.x}}",
	"{{.NAME | printf \"%q\"}}", "{{printf \"%s-%05d-%v\" .NAME .N .YES}}", "{{printf \"%x\" .NAME}}", "{{print 1 2 \"a\" \"b\" 3}}", "{{println .NAME}}",
	"{{if .YES}}y{{else}}n{{end}}", "{{if .EMPTY}}y{{else}}n{{end}}", "{{if .NONE}}y{{else if .N}}n{{end}}", "{{if not .NO}}y{{end}}",
	"{{if .MISSING}}y{{else}}n{{end}}", "{{if and .YES .N}}both{{end}}", "{{or .EMPTY \"default\"}}", "{{and .EMPTY \"x\"}}", "{{or .MISSING .NAME}}",
	"{{if eq .NAME \"app\"}}y{{end}}", "{{if eq .N 1 2 3}}y{{end}}", "{{if ne .NAME \"x\"}}y{{end}}", "{{if lt .N 4}}y{{end}}", "{{if ge .N 3}}y{{end}}", "{{if gt .NAME \"aa\"}}y{{end}}",
	"{{with .NAME}}<{{.}}>{{end}}", "{{with .EMPTY}}x{{else}}none{{end}}", "{{with $x := .NAME}}{{$x}}{{$.N}}{{end}}",
	"{{range .LIST}}[{{.}}]{{end}}", "{{range $i, $v := .LIST}}{{$i}}={{$v}};{{end}}", "{{range .NONE}}x{{else}}none{{end}}", "{{range $k, $v := .MAP}}{{$k}} {{end}}",
	"{{range .LIST}}{{if eq . \"b\"}}{{break}}{{end}}{{.}}{{end}}", "{{range .LIST}}{{if eq . \"b\"}}{{continue}}{{end}}{{.}}{{end}}",
	"{{len .LIST}}", "{{len .NAME}}", "{{index .LIST 1}}", "{{index .MAP \"x\"}}", "{{index .MAP \"y\" \"z\"}}", "{{index .LIST 9}}", "{{slice .NAME 1 2}}",
	"{{$x := .N}}{{$x}}{{$x = 5}}{{$x}}", "{{$undefined}}", "{{nofunction .NAME}}", "{{.NAME", "{{if .YES}}", "{{end}}", "{{.N.}}", "{{else}}", "{{}}",
	" a {{- .NAME -}} b ", "{{- \" x \" -}}", "{{/* comment */}}x", "{{- /* comment */ -}} x", "{{\"{{\"}}", "{{`raw \"text\"`}}", "{{'a'}}", "}} {", "{ {.NAME}}",
	"{{define \"t\"}}<{{.}}>{{end}}{{template \"t\" .NAME}}", "{{template \"none\"}}", "{{block \"b\" .N}}{{.}}{{end}}",
	"{{html \"<a&b>\"}}", "{{js \"it's\"}}", "{{urlquery \"a b&c\"}}", "{{.LIST}}", "{{.MAP}}", "{{.YES}}", "{{1.5}}", "{{0x10}}", "{{nil}}", "{{true}}",
	"{{call .NAME}}", "{{eq .LIST .LIST}}", "{{lt .NAME 3}}", "{{eq .N \"3\"}}", "{{len 3}}", "{{.NAME}}\n{{.N}}", "ü{{.NAME}}ß", "{{\"\\u00fc\"}}", "{{(len .LIST) | printf \"%d\"}}",
	"{{ (index .MAP \"y\").z }}", "{{with .MAP}}{{.x}}{{with .y}}{{.z}}{{$.NAME}}{{end}}{{end}}", "{{.NAME | len | printf \"%03d\"}}", "{{not .MISSING}}",
	"{{if .YES}}a{{end}}{{end}}", "{{if .YES}}a{{else}}b{{else}}c{{end}}", "{{break}}", "{{range .LIST}}{{with .}}{{break}}{{end}}{{end}}x", "{{if .NO}}a{{else if .NO}}b{{else if .YES}}c{{else}}d{{end}}e",
	"{{with .EMPTY}}a{{else with .NAME}}{{.}}{{end}}", "{{range 3}}{{.}}{{end}}", "{{ if .YES -}} x {{- else -}} y {{- end }} z", "{{if .YES}}{{define \"q\"}}{{end}}{{end}}", "{{.MAP.x | print | len}}", "{{$a := 1}}{{if .YES}}{{$a = 2}}{{end}}{{$a}}",
	"{{printf \"%6.2f|%-5s|%+d|%t|%c|%U|%e\" 3.14159 .NAME .N .YES 65 65 1.0}}", "{{printf \"%d\" .NAME}}", "{{printf \"%s\" .N}}", "{{printf \"%v %v\" .LIST .MAP}}", "{{printf \"%!\"}}", "{{eq nil nil}}", "{{eq .MISSING nil}}", "{{index .MISSING 1}}", "{{and}}", "{{len}}", "{{-3}}", "{{- 3}}", "{{.NAME -}}   {{- .N}}",
}

func run(text string) (string, error) {
	parsed, err := template.New("").Parse(text)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = parsed.Execute(&out, data)
	return out.String(), err
}

func quote(text string) string {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		panic(err)
	}
	return strings.TrimSpace(out.String())
}

func main() {
	for _, text := range templates {
		result, err := run(text)
		if err != nil {
			fmt.Printf("%s\terror\n", quote(text))
		} else {
			fmt.Printf("%s\t%s\n", quote(text), quote(result))
		}
	}
}
